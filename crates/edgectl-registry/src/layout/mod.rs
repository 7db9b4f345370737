//! OCI layout directories: `oci-layout`, `index.json` and `blobs/`.

mod directory;
mod image;
mod layer;
mod transfer;
mod whole;

pub use directory::Layout;
pub(crate) use directory::{INDEX, VERSION, entry};
pub use image::{LayoutConfig, LayoutImage};
pub use layer::{LayerBlob, LayerReader};
pub use whole::WholeLayout;
