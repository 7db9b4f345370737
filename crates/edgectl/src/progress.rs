//! Progress of an upload: a bar on a terminal, a line per image elsewhere.

use edgectl_registry::{ImageOutcome, ImageReport, Progress};
use indicatif::{ProgressBar, ProgressStyle};

use crate::printer::Printer;

/// Shows an upload.
pub(crate) struct UploadProgress {
    printer: Printer,
    bar: ProgressBar,
}

impl UploadProgress {
    pub(crate) fn new(printer: Printer) -> Self {
        let bar = match printer.shows_progress() {
            true => ProgressBar::new(0),
            false => ProgressBar::hidden(),
        };
        let style = ProgressStyle::with_template(
            "{bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
        );
        if let Ok(style) = style {
            bar.set_style(style);
        }
        printer.set_bar(Some(bar.clone()));
        Self { printer, bar }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.printer.set_bar(None);
        self.bar.finish_and_clear();
    }
}

/// After an error, too: what is said then must not have a bar below it.
impl Drop for UploadProgress {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Progress for UploadProgress {
    fn bytes(&self, more: u64) {
        self.bar.inc(more);
    }

    fn bytes_lost(&self, lost: u64) {
        self.bar.dec(lost);
    }

    fn planned(&self, bytes: u64) {
        self.bar.inc_length(bytes);
    }

    fn there(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn stopping(&self) {
        let line = "stopping once the chunks on their way have arrived; press Ctrl-C again to stop at once";
        self.printer.say(line);
    }

    fn image_done(&self, report: &ImageReport) {
        let done = match &report.outcome {
            ImageOutcome::AlreadyThere(_) => "there  ",
            ImageOutcome::Copied(_) => "copied ",
            ImageOutcome::Failed(_) => "FAILED ",
        };
        self.printer.say(&format!("  {done} {}", report.request.source));
    }
}
