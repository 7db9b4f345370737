//! What is installed in a system, by the lists that its package managers keep:
//! dpkg's (`status`, and `status.d/` of images without dpkg) and apk's.

/// dpkg's list.
const DPKG: &str = "var/lib/dpkg/status";
/// The same in images that were put together without dpkg: a file a package.
const DPKG_PARTS: &str = "var/lib/dpkg/status.d/";
/// apk's list, in its two places.
const APK: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];
/// Where a system says what it is; the first may be a link to the second.
const RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

/// Who manages a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PackageManager {
    /// dpkg: Debian, Ubuntu.
    Dpkg,
    /// apk: Alpine.
    Apk,
}

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstalledPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture; `all` or `noarch` for any.
    pub architecture: String,
    /// Who manages it.
    pub manager: PackageManager,
}

/// What a system says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SystemContents {
    /// `ID` of its release, such as `debian`; empty where it has none.
    pub id: String,
    /// `VERSION_ID`, such as `12`; empty where it has none.
    pub version: String,
    /// Its packages, in the order of their names.
    pub packages: Vec<InstalledPackage>,
}

/// Whether a file of a system is one of those that tell.
pub(crate) fn tells(path: &[u8]) -> bool {
    let Ok(path) = std::str::from_utf8(path) else { return false };
    path == DPKG || APK.contains(&path) || RELEASE.contains(&path) || is_part(path)
}

/// The files that tell, in the order in which they count, of all that there are.
pub(crate) fn telling<'a>(paths: impl Iterator<Item = &'a [u8]>) -> Vec<&'a str> {
    let paths = paths.filter_map(|path| std::str::from_utf8(path).ok());
    RELEASE.into_iter().chain([DPKG]).chain(APK).chain(paths.filter(|path| is_part(path))).collect()
}

/// Beside each part lies a list of its files.
fn is_part(path: &str) -> bool {
    path.strip_prefix(DPKG_PARTS).is_some_and(|name| !name.ends_with(".md5sums"))
}

impl SystemContents {
    /// Takes what one of the files says; the first release counts.
    pub(crate) fn read(&mut self, path: &str, text: &str) {
        if RELEASE.contains(&path) {
            if self.id.is_empty() {
                (self.id, self.version) = (setting(text, "ID"), setting(text, "VERSION_ID"));
            }
            return;
        }
        let package = if APK.contains(&path) { of_apk } else { of_dpkg };
        self.packages.extend(text.split("\n\n").filter_map(package));
    }

    /// Puts the packages in their order, each once.
    pub(crate) fn sort(&mut self) {
        self.packages.sort();
        self.packages.dedup();
    }
}

/// A setting of a release file, which is a shell's.
fn setting(text: &str, name: &str) -> String {
    let mut values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let value = values.next_back().unwrap_or_default();
    value.trim().trim_matches(['"', '\'']).to_owned()
}

fn of_dpkg(paragraph: &str) -> Option<InstalledPackage> {
    let field = |name: &str| {
        let mut values = paragraph.lines().filter_map(|line| line.strip_prefix(name));
        values.find_map(|rest| rest.strip_prefix(':')).map(|value| value.trim().to_owned())
    };
    // `want flag status`: removed ones leave their settings behind. Parts have
    // no status where nothing could ever be removed.
    let is_there = field("Status").is_none_or(|status| status.ends_with(" installed"));
    is_there.then_some(())?;
    Some(InstalledPackage {
        name: field("Package")?,
        version: field("Version")?,
        architecture: field("Architecture")?,
        manager: PackageManager::Dpkg,
    })
}

fn of_apk(paragraph: &str) -> Option<InstalledPackage> {
    let field = |name: &str| {
        paragraph.lines().find_map(|line| line.strip_prefix(name)).map(|v| v.trim().to_owned())
    };
    Some(InstalledPackage {
        name: field("P:")?,
        version: field("V:")?,
        architecture: field("A:")?,
        manager: PackageManager::Apk,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Package: b\nStatus: install ok installed\nArchitecture: amd64\n\
        Version: 1:2-3\nDescription: x\n Version: 9\n\n\
        Package: a\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n\
        Package: c\nStatus: install ok installed\nVersion: 1\n";

    fn names(contents: &SystemContents) -> Vec<(&str, &str)> {
        contents.packages.iter().map(|p| (p.name.as_str(), p.version.as_str())).collect()
    }

    #[test]
    fn installed_packages_alone() {
        let mut found = SystemContents::default();
        found.read("var/lib/dpkg/status", STATUS);
        found.read("etc/os-release", "NAME=x\nID_LIKE=debian\nVERSION_ID='22.04'\nID=\"ubuntu\"\n");
        found.read("usr/lib/os-release", "ID=other\n");
        assert_eq!(names(&found), [("b", "1:2-3")]);
        assert_eq!((found.id.as_str(), found.version.as_str()), ("ubuntu", "22.04"));
        let part = "Package: base-files\nVersion: 12.4\nArchitecture: amd64\n";
        found.read("var/lib/dpkg/status.d/base-files", part);
        found.read("var/lib/dpkg/status.d/base-files", part);
        found
            .read("lib/apk/db/installed", "C:Q1x\nP:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\n\nP:half\n");
        found.sort();
        assert_eq!(names(&found), [("b", "1:2-3"), ("base-files", "12.4"), ("musl", "1.2.4-r2")]);
        found.read("var/lib/dpkg/status", "\u{0}Package:\n\n:::");
        assert_eq!(found.packages.len(), 3);
    }

    #[test]
    fn files_that_tell() {
        assert!(tells(b"var/lib/dpkg/status.d/base-files") && tells(b"usr/lib/os-release"));
        assert!(!tells(b"var/lib/dpkg/status.d/base-files.md5sums") && !tells(b"\xff"));
        let paths: [&[u8]; 2] = [b"var/lib/dpkg/status.d/z", b"x"];
        let found = telling(paths.into_iter());
        assert_eq!((found[0], found[5]), ("etc/os-release", "var/lib/dpkg/status.d/z"));
    }
}
