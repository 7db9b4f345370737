//! `--shard I/N`: one part of a lock.

use std::str::FromStr;

use edgectl_model::count;
use edgectl_registry::{ImageRequest, Shard, Source, UploadRequest, shards};

use crate::exit;
use crate::failure::Failure;
use crate::printer::{Printer, bytes};

/// More parts than anybody has machines for this.
const MOST: usize = 10_000;

/// Which part of how many, counted from 0 as Kubernetes counts the pods of an
/// indexed job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShardArg {
    index: usize,
    count: usize,
}

impl FromStr for ShardArg {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let parts = parts.and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((index, count)) if index < count && count <= MOST => Ok(Self { index, count }),
            Some((index, count)) if index >= count && count > 0 => {
                Err(format!("parts are counted from 0: the last one of {count} is {}", count - 1))
            }
            _ => Err("expected I/N, for example 0/4 for the first of four parts".to_owned()),
        }
    }
}

impl ShardArg {
    /// Leaves the images of this part in a request, and tells how it is split.
    pub(crate) async fn narrow<S: Source>(
        self,
        request: UploadRequest,
        source: &S,
        printer: Printer,
    ) -> Result<UploadRequest, Failure> {
        ensure_pinned(&request)?;
        let parts = shards(&request.images, source, self.count).await?;
        for line in self.told(&parts) {
            printer.say(&line);
        }
        let images = parts.into_iter().nth(self.index).unwrap_or_default().images;
        Ok(UploadRequest { images, ..request })
    }

    fn told(self, parts: &[Shard]) -> Vec<String> {
        let all = parts.iter().map(|part| part.images.len()).sum::<usize>();
        let total: u64 = parts.iter().map(|part| part.bytes).sum();
        let largest = parts.iter().map(|part| part.bytes).max().unwrap_or(0);
        let Some(own) = parts.get(self.index) else { return Vec::new() };
        let mut lines = vec![format!(
            "part {}/{}: {} of {all}, {} of {}",
            self.index,
            self.count,
            count(own.images.len(), "image"),
            bytes(own.bytes),
            bytes(total),
        )];
        // Half as much again as a fair share.
        if largest * 2 * parts.len() as u64 > total * 3 {
            lines.push(format!(
                "warning: the images share too much to be split evenly: one part has {}",
                bytes(largest)
            ));
        }
        lines
    }
}

/// Every machine has to split the same images: what a tag stands for may
/// change between two looks.
fn ensure_pinned(request: &UploadRequest) -> Result<(), Failure> {
    let is_pinned =
        |image: &ImageRequest| image.digest.is_some() || image.source.digest().is_some();
    match request.images.iter().find(|image| !is_pinned(image)) {
        None => Ok(()),
        Some(image) => {
            let text = format!("`--shard` needs a lock with pins, and `{}` has none", image.source);
            Err(Failure::new(exit::FAILED, text).hint(
                "`edgectl images --resolve` pins every image; give the same lock to all machines",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_from_zero() {
        assert_eq!("0/4".parse(), Ok(ShardArg { index: 0, count: 4 }));
        assert_eq!("3/4".parse(), Ok(ShardArg { index: 3, count: 4 }));
        assert!("4/4".parse::<ShardArg>().unwrap_err().contains("the last one of 4 is 3"));
        for bad in ["", "1", "/", "0/0", "-1/4", "1/x", "0/99999999"] {
            assert!(bad.parse::<ShardArg>().is_err(), "{bad}");
        }
    }
}
