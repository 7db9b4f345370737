//! What a run leaves for the next one: uploads that are open, and where blobs
//! are. Nothing in it is trusted: a registry is asked before an upload goes
//! on, and a blob that is no longer where the journal says is sent again.

mod record;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use edgectl_model::Digest;
use edgectl_process::{FileLock, write_file};

use crate::error::RegistryError;
use crate::sink::UploadSession;
use record::{Known, Record, SessionRecord, line};

/// A journal file. Uploads' addresses let anybody who may push go on with
/// them, so only its owner can read it.
///
/// By default it is kept in memory, for the run that has it.
#[derive(Debug, Default)]
pub struct Journal {
    state: Mutex<State>,
    /// Keeps other processes off for as long as it is open.
    _lock: Option<FileLock>,
}

#[derive(Debug, Default)]
struct State {
    known: Known,
    file: Option<File>,
}

impl Journal {
    /// Opens or starts a journal; none if another process has it.
    pub fn open(path: &Path) -> Result<Option<Self>, RegistryError> {
        let failed = |error| RegistryError::local(path, error);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let options = || {
            let mut options = OpenOptions::new();
            options.create(true).append(true).mode(0o600);
            options
        };
        let lock = options().open(path.with_extension("lock")).map_err(failed)?;
        let Ok(Some(lock)) = FileLock::exclusive(&lock) else { return Ok(None) };
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error)),
        };
        let known = Known::read(&text);
        // Without the lines that say nothing any more, and without half a
        // line at the end to which the next would be joined.
        let compact = known.write();
        if compact != text {
            write_file(path, 0o600, compact.as_bytes())?;
        }
        let file = options().open(path).map_err(failed)?;
        Ok(Some(Self { state: Mutex::new(State { known, file: Some(file) }), _lock: Some(lock) }))
    }

    /// Repositories that had a blob.
    pub(crate) fn places(&self, digest: &Digest) -> Vec<String> {
        self.lock().known.places(digest).to_vec()
    }

    /// The upload of a blob that is open.
    pub(crate) fn session(&self, repository: &str, digest: &Digest) -> Option<UploadSession> {
        self.lock().known.session(repository, digest)
    }

    /// Uploads that nobody has gone on with for `age`.
    pub(crate) fn idle(&self, age: Duration) -> Vec<(String, Digest, UploadSession)> {
        self.lock().known.idle(age)
    }

    /// A repository has a blob.
    pub(crate) fn note_blob(&self, repository: &str, digest: &Digest) {
        self.note(Record::Blob { repository: repository.to_owned(), digest: digest.clone() });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line that can't be written costs the next run some time, and this
    /// one nothing.
    fn note(&self, record: Record) {
        let mut state = self.lock();
        let text = line(&record);
        if state.known.take(record)
            && let Some(file) = &mut state.file
            && let Err(error) = file.write_all(text.as_bytes())
        {
            tracing::warn!(%error, "the journal can't be written");
        }
    }
}

/// The journal's entry of one blob in one repository.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Note<'a> {
    pub(crate) journal: &'a Journal,
    pub(crate) repository: &'a str,
    pub(crate) digest: &'a Digest,
}

impl Note<'_> {
    /// The upload is this far.
    pub(crate) fn session(&self, session: &UploadSession) {
        let record = SessionRecord::new(self.repository, self.digest, session);
        self.journal.note(Record::Session(record));
    }

    /// The upload is over, or given up.
    pub(crate) fn gone(&self) {
        let (repository, digest) = (self.repository.to_owned(), self.digest.clone());
        self.journal.note(Record::Gone { repository, digest });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_and_nobody_else_reads() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/r.jsonl");
        let journal = Journal::open(&path).unwrap().unwrap();
        assert!(Journal::open(&path).unwrap().is_none());
        journal.note_blob("r/a", &Digest::sha256(b"x"));
        drop(journal);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + "{\"blob").unwrap();
        let journal = Journal::open(&path).unwrap().unwrap();
        assert_eq!(journal.places(&Digest::sha256(b"x")), ["r/a"]);
        assert!(!std::fs::read_to_string(&path).unwrap().ends_with("{\"blob"));
    }
}
