//! What can go wrong with images.

use std::io;
use std::path::PathBuf;

use edgectl_process::{CmdError, FileError, Interrupted, PersistError, ToolError, file_error};
use thiserror::Error;

use crate::area::AreaKind;
use crate::customize::Flavor;
use crate::disc::DiscError;
use crate::netboot::NetbootError;

/// Why an installer image couldn't be made, read or changed.
#[derive(Debug, Error)]
pub enum IsoError {
    /// A layer can't be read.
    #[error("reading layer {layer} of the operating system image")]
    Layer {
        /// Number of the layer, from 1, lowest first.
        layer: usize,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// A layer tries to leave the root.
    #[error(
        "layer {layer} of the operating system image holds the path `{path}`, which leads out of the image"
    )]
    Escape {
        /// Number of the layer, from 1.
        layer: usize,
        /// The path.
        path: String,
    },
    /// A hard link to nothing.
    #[error(
        "layer {layer} of the operating system image links `{path}` to `{target}`, which is no file there"
    )]
    DanglingLink {
        /// Number of the layer, from 1.
        layer: usize,
        /// The link.
        path: String,
        /// What it should be linked to.
        target: String,
    },
    /// Symbolic links that lead to each other.
    #[error(
        "layer {layer} of the operating system image holds the path `{path}`, which leads through too many symbolic links"
    )]
    LinkLoop {
        /// Number of the layer, from 1.
        layer: usize,
        /// The path.
        path: String,
    },
    /// A name that can't be kept.
    #[error(
        "layer {layer} of the operating system image holds the name `{name}`, which no file system takes"
    )]
    Name {
        /// Number of the layer, from 1.
        layer: usize,
        /// The name.
        name: String,
    },
    /// A file of the image couldn't be kept for the disc.
    #[error("copying `/{path}` out of the operating system image")]
    Copy {
        /// The file.
        path: String,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// Nothing to boot.
    #[error(
        "the operating system image has no kernel: expected `/boot/vmlinuz-VERSION` or `/usr/lib/modules/VERSION/vmlinuz` (found in /boot: {found})"
    )]
    NoKernel {
        /// What there is in `/boot`.
        found: String,
    },
    /// A kernel without an initial RAM file system.
    #[error(
        "the operating system image has the kernel `/{kernel}` but no initial RAM file system for it: expected `/boot/initrd.img-VERSION`, `/boot/initrd-VERSION` or `/boot/initramfs-VERSION.img`"
    )]
    NoInitrd {
        /// The kernel.
        kernel: String,
    },
    /// Something that an image is made of can't be read.
    #[error("reading `{name}`")]
    Input {
        /// What.
        name: String,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// An initial RAM file system that is damaged.
    #[error("the initial RAM file system of the operating system image can't be read")]
    Initrd(#[source] io::Error),
    /// An initial RAM file system that starts nothing from a medium.
    #[error(
        "the initial RAM file system of the operating system image can't start a system from a medium: it has neither dracut's module `dmsquash-live` (Kairos, Fedora: `dracut --add dmsquash-live`) nor live-boot (Debian: the package `live-boot`) nor the script `edge`; build it with one of them"
    )]
    NotLive,
    /// User data that nobody reads.
    #[error(
        "nothing in the operating system image would read the user data: it has no cloud-init, and is not Kairos; install cloud-init, or bake without user data (`--no-user-data`)"
    )]
    NoReader,
    /// Encrypted user data that nobody could read.
    #[error(
        "nothing on the image would decrypt the user data: cloud-init and Kairos can't, and the agent, which can, installs no system but the reference system (`iso.live: edge`); put it there as it is (`--plain`), or without passwords"
    )]
    NoAgentToDecrypt,
    /// The same, where there is an agent.
    #[error(
        "the agent on the image is of a former edgectl, which can't decrypt user data: bake the image anew with `edgectl iso build`"
    )]
    AgentTooOld,
    /// More room for user data than Kairos reads.
    #[error(
        "Kairos reads no user data of 2 MiB and more, and the image would keep room for {room} bytes: lower `iso.userDataKib`, or `--user-data-kib` of `iso customize`, to 2047 KiB or less"
    )]
    KairosLimit {
        /// The room.
        room: u64,
    },
    /// A kernel that can't read how the system is packed.
    #[error(
        "the kernel `/{kernel}` can't read the packed system: its settings lack `{setting}`; `iso.compression` names another packing"
    )]
    KernelLacks {
        /// The kernel.
        kernel: String,
        /// What it lacks.
        setting: &'static str,
    },
    /// A blob that has another kind of digest.
    #[error("the content holds `{0}`, and only blobs named by SHA-256 can go onto an image")]
    ContentDigest(edgectl_model::Digest),
    /// No agent to put on the image.
    #[error("the system is installed by the static agent, and there is none")]
    NoAgent,
    /// User data that doesn't fit.
    #[error(
        "the user data has {bytes} bytes, the image keeps room for {room}, a line's end included: raise `iso.userDataKib`, or `--user-data-kib` of `iso customize`, to {} and make the image anew", bytes / 1024 + 1
    )]
    UserDataTooLarge {
        /// Its size.
        bytes: u64,
        /// The room.
        room: u64,
    },
    /// A network configuration that doesn't fit.
    #[error(
        "the network configuration has {bytes} bytes, the image keeps room for {room} less one, which is fixed: shorten it, or write its files in the user data (`write_files`)"
    )]
    NetworkTooLarge {
        /// Its size.
        bytes: u64,
        /// The room.
        room: u64,
    },
    /// A network configuration that nobody reads.
    #[error(
        "nothing on the image would read a network configuration: Kairos has no place for one; set the network up in the user data, in `stages`"
    )]
    NoNetworkReader,
    /// An image without room for a network configuration.
    #[error(
        "the image keeps no room for a network configuration: `edgectl iso build` keeps some where cloud-init reads the user data, `edgectl iso customize --network-config` where it is given one"
    )]
    NoNetworkRoom,
    /// A label that boot loaders can't search for.
    #[error("the volume label `{0}` is not 1 to 16 of `A-Z`, `0-9` and `_`")]
    Label(String),
    /// A label that would hide the installed system.
    #[error("the volume label `{0}` belongs to the installed system; choose another one")]
    LabelTaken(String),
    /// An argument that would break the boot menu apart.
    #[error("the kernel argument {0:?} holds a control character")]
    KernelArgument(String),
    /// The agent must run on any system.
    #[error("`{}` is not a static program for x86-64; build it with `-C target-feature=+crt-static`", .0.display())]
    AgentNotStatic(PathBuf),
    /// A template is broken.
    #[error("filling the template `{name}`")]
    Template {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        #[source]
        source: minijinja::Error,
    },
    /// Kernel arguments that don't fit.
    #[error(
        "the kernel arguments have {bytes} bytes, the image keeps room for {room}, which is fixed: give fewer or shorter ones"
    )]
    ArgumentsTooLong {
        /// Their length, as the menu has them.
        bytes: u64,
        /// The room.
        room: u64,
    },
    /// An image that can't be read.
    #[error(transparent)]
    Disc(#[from] DiscError),
    /// An image of somebody else.
    #[error("`{}` has no manifest of edgectl's, so nothing in it can be replaced or verified; `edgectl iso build` bakes images that have one, `edgectl iso customize` gives one to images of others", .0.display())]
    NotOurs(PathBuf),
    /// An image that was baked here.
    #[error("`{}` was baked by `edgectl iso build`: `edgectl iso inject` puts user data onto it", .0.display())]
    BakedHere(PathBuf),
    /// An image that can't be changed so that it stays what it is.
    #[error(
        "the image {0}, so it can't be changed without packing it anew: user data on a seed (`edgectl iso fleet --seeds`) leaves the image as it is"
    )]
    CannotReplay(&'static str),
    /// Something stands where a file is to go.
    #[error(
        "the image has something else where `{0}` is to go: another `--flavor` may put it elsewhere, and a seed (`edgectl iso fleet --seeds`) leaves the image as it is"
    )]
    Occupied(String),
    /// No menu for kernel arguments.
    #[error(
        "no boot menu was found on the image that kernel arguments can be put into: leave out `--kernel-argument`, and type them at the loader where there is one"
    )]
    NoMenu,
    /// A menu that can't be changed.
    #[error(
        "the loader for UEFI brings a boot menu of its own, or a kernel with its arguments, which can't be changed, so kernel arguments (`ds=nocloud`, which tells where user data is, among them) would reach some machines only: leave out `--kernel-argument` and name `--flavor cloud-init`, which tells the kernel nothing; user data on a seed (`edgectl iso fleet --seeds`) needs no argument"
    )]
    MenuInLoader,
    /// User data in a language that its reader doesn't know.
    #[error(
        "SL Micro reads {expected} from `/{path}`, and the user data is something else: give it such, or customise the image again with this user data (`edgectl iso customize`), which puts each language where it is read"
    )]
    Misfit {
        /// Where it would go.
        path: String,
        /// What is read from there.
        expected: &'static str,
    },
    /// A file that a system doesn't read.
    #[error("{flavor} reads no `{what}` from its medium")]
    NoPlace {
        /// The file.
        what: &'static str,
        /// The system.
        flavor: Flavor,
    },
    /// What a former run replaced can't come back.
    #[error(
        "the image was customised before, and what it had in `{0}` is gone: customise the image that it was made from"
    )]
    Wiped(String),
    /// A result that isn't what it should be.
    #[error(
        "the customised image differs from its base in what should have stayed: {0}; it was not kept"
    )]
    Replay(String),
    /// A manifest that can't be read.
    #[error("the manifest on the image can't be read")]
    Manifest(#[source] serde_json::Error),
    /// An image, or a place, that network boot can't take.
    #[error(transparent)]
    Netboot(#[from] NetbootError),
    /// A bill of materials that can't be written.
    #[error("the bill of materials can't be written as JSON")]
    Sbom(#[source] serde_json::Error),
    /// A manifest of another age.
    #[error(
        "the image's manifest has the form {0}, which this edgectl doesn't know; a newer one does"
    )]
    Schema(u32),
    /// An image without some area.
    #[error("the image has no room for {0}")]
    NoArea(AreaKind),
    /// An area beyond its file.
    #[error("the manifest on the image names a place outside of `{0}`")]
    AreaOutside(String),
    /// Somebody else changes the image.
    #[error("`{}` is being changed by another process", .0.display())]
    Busy(PathBuf),
    /// An undo file that isn't whole.
    #[error("`{}` should undo a change that was cut short, but is damaged, of another image, or of another version of edgectl: copy or bake the image again, then delete this file", .0.display())]
    Undo(PathBuf),
    /// Reading or writing a file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The squashfs writer stopped taking data.
    #[error("writing the system into the squashfs")]
    Squashfs(#[source] io::Error),
    /// What was packed is not what went in.
    #[error(
        "the packed system, read back, is not what was put into it: {0}. mksquashfs or this machine's memory is at fault; bake again, and on another machine if it stays. The same file each time is one that mksquashfs packs wrongly: leave it out (an overlay can replace it), and tell edgectl's makers"
    )]
    ReadBack(String),
    /// A tool is missing.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A tool failed.
    #[error(transparent)]
    Cmd(#[from] CmdError),
    /// The result couldn't be put in its place.
    #[error(transparent)]
    Persist(#[from] PersistError),
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// The code of "no space left on device".
const ENOSPC: i32 = 28;

/// Names the file that a tool was writing, where that is what went wrong:
/// every tool has its own words for a full disk.
pub(crate) fn writing_error(path: impl Into<PathBuf>) -> impl FnOnce(CmdError) -> IsoError {
    let path = path.into();
    move |error| {
        let is_full = |said: &str| {
            ["No space left", "exceeds free space", "out of space", "Disk full"]
                .iter()
                .any(|words| said.contains(words))
        };
        match &error {
            CmdError::Failed { stderr, .. } if is_full(stderr) => {
                file_error("writing", path)(io::Error::from_raw_os_error(ENOSPC)).into()
            }
            _ => error.into(),
        }
    }
}
