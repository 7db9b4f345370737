//! The external tools of the proof.

use edgectl_process::Tool;

/// Runs the machine.
pub(crate) const QEMU: Tool = Tool {
    name: "qemu-system-x86_64",
    package: "qemu-system-x86",
    purpose: "booting the installer",
    version: &["--version"],
};
/// Makes disks.
pub(crate) const QEMU_IMG: Tool = Tool {
    name: "qemu-img",
    package: "qemu-utils",
    purpose: "making the disk to install to",
    version: &["--version"],
};

/// Everything that the proof needs from outside.
pub const TOOLS: [Tool; 2] = [QEMU, QEMU_IMG];
