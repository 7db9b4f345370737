//! Which kernel and initial RAM file system an image boots with.

use crate::error::IsoError;
use crate::paths;
use crate::tree::Tree;

/// The files to boot with, as plain paths of regular files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelPair {
    /// The kernel.
    pub kernel: Vec<u8>,
    /// Its initial RAM file system.
    pub initrd: Vec<u8>,
}

/// Finds the kernel of an image: `/boot/vmlinuz` or `/vmlinuz` where they are
/// (links are followed), else the `/boot/vmlinuz-VERSION` of the highest
/// version, else the `/usr/lib/modules/VERSION/vmlinuz` of images that have
/// nothing in `/boot`; and the initial RAM file system of the same version.
pub fn find_kernel(tree: &Tree) -> Result<KernelPair, IsoError> {
    let mut kernels: Vec<Vec<u8>> = tree
        .paths()
        .filter(|path| path.strip_prefix(b"boot/").is_some_and(|n| version(n).is_some()))
        .map(<[u8]>::to_vec)
        .collect();
    kernels.sort_by_key(|path| version_key(path));
    kernels.reverse();
    let mut of_modules: Vec<Vec<u8>> = tree
        .paths()
        .filter(|path| is_beside_modules(path, b"vmlinuz"))
        .map(<[u8]>::to_vec)
        .collect();
    of_modules.sort_by_key(|path| version_key(path));
    kernels.extend(of_modules.into_iter().rev());
    let named = [&b"boot/vmlinuz"[..], b"boot/kernel", b"vmlinuz"].into_iter().map(<[u8]>::to_vec);
    let found: Vec<Vec<u8>> =
        named.chain(kernels).filter_map(|path| tree.resolve_file(&path)).collect();
    let Some(first) = found.first() else {
        return Err(IsoError::NoKernel { found: boot_listing(tree) });
    };
    let pair = found.iter().find_map(|kernel| {
        let initrd = initrd_for(tree, kernel)?;
        Some(KernelPair { kernel: kernel.clone(), initrd })
    });
    pair.ok_or_else(|| IsoError::NoInitrd { kernel: paths::show(first) })
}

/// Whether a file may be a kernel or an initial RAM file system, by its name.
pub(crate) fn may_boot(path: &[u8]) -> bool {
    let (directory, name) = paths::split(path);
    let prefixes = [&b"vmlinuz"[..], b"kernel", b"initrd", b"initramfs"];
    let is_named = prefixes.iter().any(|prefix| name.starts_with(prefix));
    is_named && (matches!(directory, b"" | b"boot") || is_beside_modules(path, name))
}

/// Whether a path is `usr/lib/modules/VERSION/NAME`.
fn is_beside_modules(path: &[u8], name: &[u8]) -> bool {
    let (directory, last) = paths::split(path);
    let parent = paths::split(directory).0;
    last == name && matches!(parent, b"usr/lib/modules" | b"lib/modules")
}

fn version(name: &[u8]) -> Option<&[u8]> {
    name.strip_prefix(b"vmlinuz-")
        .or_else(|| name.strip_prefix(b"kernel-"))
        .filter(|v| !v.is_empty())
}

/// Digit runs compare as numbers, so that 6.10 comes after 6.9.
fn version_key(path: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut key = Vec::new();
    for part in path.split(|c| !c.is_ascii_alphanumeric()) {
        let text = String::from_utf8_lossy(part);
        key.push((text.parse().unwrap_or(0), part.to_vec()));
    }
    key
}

fn initrd_for(tree: &Tree, kernel: &[u8]) -> Option<Vec<u8>> {
    let (directory, name) = paths::split(kernel);
    if is_beside_modules(kernel, name) {
        let beside = ["initramfs.img", "initrd.img", "initrd"];
        let beside = beside.map(|initrd| paths::join(directory, initrd.as_bytes()));
        return beside.iter().find_map(|path| tree.resolve_file(path));
    }
    let candidates: Vec<String> = match version(name) {
        Some(version) => {
            let v = String::from_utf8_lossy(version);
            vec![
                format!("boot/initrd.img-{v}"),
                format!("boot/initrd-{v}"),
                format!("boot/initramfs-{v}.img"),
                "boot/initrd".to_owned(),
            ]
        }
        None => ["boot/initrd", "boot/initrd.img", "boot/initramfs.img", "initrd.img"]
            .map(str::to_owned)
            .to_vec(),
    };
    candidates.iter().find_map(|c| tree.resolve_file(c.as_bytes()))
}

fn boot_listing(tree: &Tree) -> String {
    let names: Vec<String> = tree
        .paths()
        .filter_map(|p| p.strip_prefix(b"boot/"))
        .filter(|name| !name.contains(&b'/'))
        .take(10)
        .map(paths::show)
        .collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
