//! Installer images.
//!
//! [`bake`] takes the layers of an OCI image, flattens them ([`Tree`]) while
//! they stream into a squashfs, makes GRUB's parts for SeaBIOS and UEFI, and
//! has xorriso write a hybrid ISO that starts from CD and from USB disk. No
//! root, no mounts, no copy of the tree on disk.

mod bake;
mod boot_files;
mod descent;
mod entry;
mod error;
mod grub;
mod kernel;
mod label;
mod layers;
mod pack;
mod paths;
mod pax;
mod static_program;
mod stream;
mod tree;
mod user_data_area;
mod xorriso;

pub use bake::{BakeReport, BakeRequest, BakeStep, bake};
pub use error::IsoError;
pub use grub::INSTALLED_LABEL;
pub use kernel::{KernelPair, find_kernel};
pub use layers::LayerSource;
pub use stream::Capture;
pub use tree::Tree;
pub use user_data_area::padded_user_data;
pub use xorriso::TOOLS;
