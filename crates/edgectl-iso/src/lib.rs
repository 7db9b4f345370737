//! Installer images.
//!
//! [`bake`] takes the layers of an OCI image, flattens them ([`Tree`]) while
//! they stream into a squashfs, makes GRUB's parts for SeaBIOS and UEFI, and
//! has xorriso write a hybrid ISO that starts from CD and from USB disk. No
//! root, no mounts, no copy of the tree on disk.
//!
//! [`Disc`] reads images, whoever made them. On those that were baked here
//! [`inject_in_place`] replaces user data and kernel arguments without
//! touching anything else, [`verify_disc`] compares every byte with the
//! manifest, and [`Inspection`] says what is there.

mod area;
mod bake;
mod boot_files;
mod content;
mod customize;
mod date;
mod descent;
mod diff;
mod digest;
mod directory;
mod disc;
mod entry;
mod error;
mod fleet;
mod follow;
mod grub;
mod initrd;
mod inject;
mod inspect;
mod kernel;
mod label;
mod layers;
mod live;
mod loaders;
mod manifest;
mod netboot;
mod pack;
mod packages;
mod patch;
mod paths;
mod paths_below;
mod pax;
mod read_back;
mod sbom;
mod seal;
mod secure_boot;
mod seed;
mod sidecar;
mod squashfs;
mod static_program;
mod stream;
mod tree;
mod undo;
mod verify;
mod written;
mod xorriso;

pub use area::{Area, AreaKind, Language};
pub use bake::{BakeReport, BakeRequest, BakeStep, bake};
pub use content::{Content, ContentBlob, ContentSummary};
pub use customize::{
    CustomizeReport, CustomizeRequest, Customized, DEFAULT_USER_DATA_ROOM, Flavor, customize,
};
pub use diff::{FileChange, diff_files};
pub use digest::{digest_from, digest_of};
pub use directory::{DirectoryLayer, Owners};
pub use disc::{
    BootEntry, BootPlatform, Disc, DiscEntry, DiscError, Extent, Kind, Partition, PartitionTable,
};
pub use error::IsoError;
pub use fleet::Base;
pub use grub::INSTALLED_LABEL;
pub use inject::{Change, inject_in_place, inject_into_copy, inject_into_stream};
pub use inspect::{FoundNetworkConfig, FoundUserData, Inspection};
pub use kernel::{KernelPair, find_kernel};
pub use layers::LayerSource;
pub use live::LiveSystem;
pub use manifest::{FileDigest, Input, Live, Manifest};
pub use netboot::{NetbootError, NetbootReport, ensure_netboot, netboot};
pub use pack::Compression;
pub use packages::{InstalledPackage, PackageManager, SystemContents};
pub use sbom::sbom;
pub use secure_boot::SecureBoot;
pub use seed::{SEED_LABEL, SeedFile, seed_image};
pub use sidecar::{forget_checksum, forget_manifest, write_checksum};
pub use stream::{Capture, Sums};
pub use tree::Tree;
pub use undo::recover;
pub use verify::{DiscCheck, verify_disc};
pub use xorriso::TOOLS;
