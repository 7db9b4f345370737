//! A layer's files as a tar stream: decompressed and verified while read.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use edgectl_model::{Digest, Hasher};
use flate2::read::MultiGzDecoder;

use crate::error::{Mismatch, RegistryError};

/// One layer in a layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerBlob {
    /// Its digest, as it is stored.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its size, as it is stored.
    pub size: u64,
    /// Where it is.
    pub path: PathBuf,
}

impl LayerBlob {
    /// Opens the layer. The compression is told from the first bytes: media
    /// types are wrong now and then. At the end the digest is compared; bytes
    /// read before that are only as good as their source.
    pub fn open(&self) -> Result<LayerReader, RegistryError> {
        let failed = |e| RegistryError::local(&self.path, e);
        let mut file = File::open(&self.path).map_err(failed)?;
        let mut magic = [0; 4];
        let known = read_up_to(&mut file, &mut magic).map_err(failed)?;
        let file = File::open(&self.path).map_err(failed)?;
        let raw = BufReader::with_capacity(
            128 * 1024,
            Hashed {
                file,
                hasher: Some(self.digest.hasher()),
                expected: self.digest.clone(),
                place: self.path.display().to_string(),
            },
        );
        let decoder = match &magic[..known] {
            [0x1f, 0x8b, ..] => Decoder::Gzip(Box::new(MultiGzDecoder::new(raw))),
            [0x28, 0xb5, 0x2f, 0xfd] => {
                let decoder = zstd::stream::read::Decoder::with_buffer(raw).map_err(failed)?;
                Decoder::Zstd(Box::new(decoder))
            }
            _ => Decoder::Plain(raw),
        };
        Ok(LayerReader(decoder))
    }
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            more => filled += more,
        }
    }
    Ok(filled)
}

/// An open layer; see [`LayerBlob::open`].
#[derive(Debug)]
pub struct LayerReader(Decoder);

enum Decoder {
    Gzip(Box<MultiGzDecoder<BufReader<Hashed>>>),
    Plain(BufReader<Hashed>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Hashed>>>),
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gzip(_) => "Gzip",
            Self::Plain(_) => "Plain",
            Self::Zstd(_) => "Zstd",
        })
    }
}

impl Read for LayerReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.0 {
            Decoder::Gzip(decoder) => decoder.read(buffer),
            Decoder::Plain(file) => file.read(buffer),
            Decoder::Zstd(decoder) => decoder.read(buffer),
        }?;
        if read == 0 && !buffer.is_empty() {
            self.drain()?;
        }
        Ok(read)
    }
}

impl LayerReader {
    /// A decoder may stop before the end of its input, which is hashed whole.
    fn drain(&mut self) -> io::Result<()> {
        let file = match &mut self.0 {
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Plain(file) => file,
            Decoder::Zstd(decoder) => decoder.get_mut(),
        };
        io::copy(file, &mut io::sink()).map(drop)
    }
}

/// A file that fails at its end unless it has the right digest.
struct Hashed {
    file: File,
    hasher: Option<Hasher>,
    expected: Digest,
    place: String,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        if read > 0 {
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&buffer[..read]);
            }
            return Ok(read);
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        match self.hasher.take().map(Hasher::finish) {
            Some(found) if found != self.expected => {
                let error = RegistryError::Digest {
                    expected: self.expected.clone(),
                    place: self.place.clone(),
                    found: Mismatch::Digest(found),
                };
                Err(io::Error::new(io::ErrorKind::InvalidData, error))
            }
            _ => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(bytes: &[u8], digest: Digest) -> io::Result<Vec<u8>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("blob");
        std::fs::write(&path, bytes).unwrap();
        let media_type = String::new();
        let layer = LayerBlob { digest, media_type, size: bytes.len() as u64, path };
        let mut content = Vec::new();
        layer.open().unwrap().read_to_end(&mut content).map(|_| content)
    }

    #[test]
    fn decompresses_what_is_compressed() {
        let text = b"some text, some text, some text".as_slice();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text).unwrap();
        let forms =
            [text.to_vec(), gzip.finish().unwrap(), zstd::encode_all(text, 1).unwrap(), Vec::new()];
        for form in forms {
            let content = read(&form, Digest::sha256(&form)).unwrap();
            assert!(content == text || form.is_empty());
        }
    }

    #[test]
    fn a_wrong_digest_is_an_error_at_the_end() {
        let mut long = zstd::encode_all(b"text".as_slice(), 1).unwrap();
        let error = read(&long, Digest::sha256(b"other")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("gave other content"), "{error}");
        let digest = Digest::sha256(&long);
        long.push(0);
        assert!(read(&long, digest.clone()).is_err());
        assert!(read(&long[..3], digest).is_err());
    }
}
