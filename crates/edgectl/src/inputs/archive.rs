//! Archives: a packed chart stays one; anything else is taken out into a
//! temporary directory, as far as it can be of interest, and read from there.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use edgectl_process::interrupted;
use edgectl_profile::{ChartSettings, Expect, Unit};

use super::chart_files::{Collected, is_chart};
use super::compression::Form;
use super::image_archive::{is_mark, is_of_images};
use super::{Gatherer, MAX_ARCHIVES, kinds, packed, temporary};
use crate::exit;
use crate::failure::Failure;

/// Largest file that is taken out, in bytes.
const MAX_TEXT: u64 = 512 << 20;
/// Largest file that isn't a text of interest but may belong to a chart.
const MAX_OTHER: u64 = 16 << 20;

/// What an archive has inside.
#[derive(Default)]
struct Contents {
    tops: BTreeSet<String>,
    /// It has charts or kustomizations, which need all their files.
    has_roots: bool,
    /// It may be one of images.
    has_marks: bool,
    /// Something that is no part of them.
    has_others: bool,
    is_empty: bool,
}

impl Gatherer<'_> {
    /// Reads an archive.
    pub(super) fn archive(
        &mut self,
        name: &str,
        path: &Path,
        form: Form,
        unit: Option<Unit>,
        expect: Expect,
    ) -> Result<(), Failure> {
        if self.archives >= MAX_ARCHIVES {
            return Err(broken(name, &io::Error::other("archives in archives in archives")));
        }
        let result = self.open(name, path, form, unit, None);
        interrupted()?;
        match result {
            // One of many files in a directory: the others are read all the same.
            Err(failure) if expect != Expect::Known && failure.code != exit::INTERRUPTED => {
                let message = format!("it can't be read: {}", failure.frames.join(": "));
                self.discoverer.problem(
                    edgectl_profile::Severity::Error,
                    name,
                    "broken-archive",
                    message,
                );
                Ok(())
            }
            result => result,
        }
    }

    /// Reads an archive that is a chart; says whether it was one.
    pub(super) fn open(
        &mut self,
        name: &str,
        path: &Path,
        form: Form,
        unit: Option<Unit>,
        settings: Option<ChartSettings>,
    ) -> Result<(), Failure> {
        let mut contents = Contents { is_empty: true, ..Contents::default() };
        let mut chart = Collected::new(&format!("{name}:"));
        packed::each(path, form, &mut |entry| {
            interrupted().map_err(io::Error::other)?;
            contents.is_empty = false;
            let (top, rest) = entry.path.split_once('/').unwrap_or(("", &entry.path));
            contents.tops.insert(top.to_owned());
            let file = entry.path.rsplit('/').next().unwrap_or_default();
            contents.has_roots |= file == "Chart.yaml" || kinds::KUSTOMIZATIONS.contains(&file);
            contents.has_marks |= is_mark(&entry.path);
            contents.has_others |= !is_of_images(&entry.path);
            chart.take(rest, entry.reader)
        })
        .map_err(|e| broken(name, &e))?;
        if contents.is_empty {
            return Err(broken(name, &io::Error::other("it is empty")));
        }
        if contents.tops.len() == 1 && !contents.tops.contains("") && is_chart(&chart.files) {
            return self.take_chart(chart.into_files(name, unit), path, settings);
        }
        let has_images = contents.has_marks && self.image_archive(name, path, unit)?;
        // A bundle may hold more than its images.
        if has_images && !contents.has_others {
            return Ok(());
        }
        let directory = temporary()?;
        take_out(path, form, directory.path(), contents.has_roots).map_err(|e| broken(name, &e))?;
        let place = directory.path().to_owned();
        self.unpacked.push(directory);
        self.archives += 1;
        let result = self.folder(&format!("{name}:"), &place, unit);
        self.archives -= 1;
        result
    }
}

/// Takes out what may be of interest.
fn take_out(path: &Path, form: Form, to: &Path, all: bool) -> io::Result<()> {
    packed::each(path, form, &mut |entry| {
        interrupted().map_err(io::Error::other)?;
        let target = to.join(&entry.path);
        let is_text = kinds::expected(&target).is_some();
        if !is_text && !all {
            return Ok(());
        }
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut file = File::create(&target)?;
        let limit = if is_text { MAX_TEXT } else { MAX_OTHER };
        let copied = io::copy(&mut entry.reader.take(limit + 1), &mut file)?;
        if copied > limit && is_text {
            return Err(io::Error::other(format!("its entry `{}` is too large", entry.path)));
        }
        if copied > limit {
            std::fs::remove_file(&target)?;
        }
        Ok(())
    })
}

fn broken(name: &str, error: &io::Error) -> Failure {
    Failure::of(exit::FAILED, error).doing(format!("reading the archive `{name}`"))
}
