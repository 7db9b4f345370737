//! The world of `examples/quickstart`: its images, made of Debian packages;
//! a registry that stands for the internet; and the external registry, with
//! TLS and login.
//!
//! ```no_run
//! use edgectl_testkit::quickstart::{World, WorldOptions};
//!
//! # fn main() -> Result<(), edgectl_testkit::quickstart::QuickstartError> {
//! let options = WorldOptions::new("target/quickstart".into());
//! let world = World::start(options, &|text| eprintln!("{text}"))?;
//! println!("edgectl build -f {}", world.edge_yaml().display());
//! # Ok(())
//! # }
//! ```
//!
//! Images are built once and kept in `$XDG_CACHE_HOME/edgectl/quickstart`,
//! under a hash of what they are made of.

mod cache;
mod contents;
mod debootstrap;
mod elf;
mod error;
mod files;
mod images;
mod keys;
mod layout;
mod os;
mod pool;
mod push;
mod recipe;
mod world;

use std::path::{Path, PathBuf};

pub use error::QuickstartError;
pub use push::{Load, push};
pub use world::{ExternalRegistry, PULLER, UPLOADER, World, WorldOptions};

/// The operating system image, built unless the cache has it: the directory
/// of its OCI layout.
pub fn os_image(say: &dyn Fn(&str)) -> Result<PathBuf, QuickstartError> {
    system_image(&os::description(), say)
}

/// The layout of a system that a directory describes as `iso/reference-os`
/// does: `packages.txt`, and `customize.sh` beside whatever that needs.
pub fn system_image(description: &Path, say: &dyn Fn(&str)) -> Result<PathBuf, QuickstartError> {
    cache::os(&cache::directory()?, description, say)
}

/// Names of all images that the source registry serves, the operating
/// system's last.
pub fn image_names() -> impl Iterator<Item = &'static str> {
    recipe::IMAGES.iter().map(|image| image.reference).chain([recipe::OS_IMAGE])
}
