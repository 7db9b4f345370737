//! What tests and the quickstart need and nobody ships: a real registry on
//! loopback, a certificate authority, and images of a few bytes.
//!
//! Only a dev-dependency of the libraries; `xtask` uses it for the quickstart.

mod ca;
mod error;
mod image;
pub mod quickstart;
mod registry;
mod tools;

pub use ca::{Issued, TestCa};
pub use error::TestkitError;
pub use image::{TinyImage, TinyLayout, Written};
pub use registry::{RegistryOptions, RegistryServer, TlsFiles};
pub use tools::{
    CONTAINERD_PROGRAMS, MEDIA, TEST_TOOLS, TEST_TOOLS_PACKAGE, TestTool, containerd_directory,
    containerd_program, media_directory, media_file, path_with_test_tools, test_tools_directory,
};
