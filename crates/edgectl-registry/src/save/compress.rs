//! What an archive is packed with, by its name.

use std::io::{self, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use lzma_rust2::{XzOptions, XzWriter};

/// Layers are compressed already: more effort gains next to nothing.
const GZIP_LEVEL: u32 = 6;
const ZSTD_LEVEL: i32 = 3;
/// A window of 2 MiB: the larger ones take more memory than a whole upload.
const XZ_PRESET: u32 = 2;

/// How an archive is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As it is.
    Plain,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
    /// xz.
    Xz,
}

impl Packing {
    /// By the end of a file's name; none where it isn't that of a tar.
    pub fn by_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_lowercase();
        let endings: [(&[&str], Self); 4] = [
            (&[".tar", ".oci"], Self::Plain),
            (&[".tar.gz", ".tgz"], Self::Gzip),
            (&[".tar.zst", ".tzst"], Self::Zstd),
            (&[".tar.xz", ".txz"], Self::Xz),
        ];
        let found = endings.iter().find(|(all, _)| all.iter().any(|end| name.ends_with(end)));
        found.map(|(_, packing)| *packing)
    }

    /// Packs what is written into `to`.
    pub(super) fn encoder<W: Write>(self, to: W) -> io::Result<Encoder<W>> {
        Ok(match self {
            Self::Plain => Encoder::Plain(to),
            // Without a name and a time in the header.
            Self::Gzip => Encoder::Gzip(GzEncoder::new(to, flate2::Compression::new(GZIP_LEVEL))),
            Self::Zstd => Encoder::Zstd(zstd::Encoder::new(to, ZSTD_LEVEL)?),
            Self::Xz => {
                Encoder::Xz(Box::new(XzWriter::new(to, XzOptions::with_preset(XZ_PRESET))?))
            }
        })
    }
}

/// Packs on the way.
pub(super) enum Encoder<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
    Xz(Box<XzWriter<W>>),
}

impl<W: Write> Encoder<W> {
    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(to) => to.write_all(bytes),
            Self::Gzip(to) => to.write_all(bytes),
            Self::Zstd(to) => to.write_all(bytes),
            Self::Xz(to) => to.write_all(bytes),
        }
    }

    /// Writes what is left, and gives back what was written into.
    pub(super) fn finish(self) -> io::Result<W> {
        match self {
            Self::Plain(to) => Ok(to),
            Self::Gzip(to) => to.finish(),
            Self::Zstd(to) => to.finish(),
            Self::Xz(to) => to.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_packing() {
        let by = |name: &str| Packing::by_name(Path::new(name));
        assert_eq!(by("a/bundle.tar"), Some(Packing::Plain));
        assert_eq!(by("bundle-1.2.TGZ"), Some(Packing::Gzip));
        assert_eq!(by("bundle.tar.gz"), Some(Packing::Gzip));
        assert_eq!(by("bundle.tar.zst"), Some(Packing::Zstd));
        assert_eq!(by("bundle.tar.xz"), Some(Packing::Xz));
        assert_eq!((by("bundle"), by("bundle.zip"), by("dir/")), (None, None, None));
    }
}
