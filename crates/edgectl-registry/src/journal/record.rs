//! The journal's lines, and what they add up to.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgectl_model::Digest;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::content::Checkpoint;
use crate::sink::UploadSession;

/// Blobs remembered per registry; the oldest are forgotten first.
const BLOBS: usize = 50_000;
/// Registries clear away uploads that nobody goes on with after a week.
const SESSION_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// One line of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Record {
    /// A repository has a blob.
    Blob { repository: String, digest: Digest },
    /// An upload is open.
    Session(SessionRecord),
    /// An upload is over, or given up.
    Gone { repository: String, digest: Digest },
}

/// An open upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SessionRecord {
    repository: String,
    digest: Digest,
    url: Url,
    at: u64,
    /// What the hasher had taken up to `at`, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(default)]
    least: u64,
    /// Seconds since 1970.
    time: u64,
}

impl SessionRecord {
    pub(super) fn new(repository: &str, digest: &Digest, session: &UploadSession) -> Self {
        let read = session.read.as_ref().filter(|read| read.at == session.at);
        Self {
            repository: repository.to_owned(),
            digest: digest.clone(),
            url: session.url.clone(),
            at: session.at,
            state: read.map(|read| STANDARD.encode(read.hasher.state())),
            least: session.least,
            time: now(),
        }
    }

    fn session(&self) -> UploadSession {
        let state = self.state.as_ref().and_then(|state| STANDARD.decode(state).ok());
        let hasher = state.and_then(|state| self.digest.hasher_from(&state));
        let read = hasher.map(|hasher| Checkpoint { at: self.at, hasher });
        UploadSession { url: self.url.clone(), at: self.at, read, least: self.least }
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

type Key = (String, Digest);

/// What the lines add up to.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Repositories by blob.
    blobs: HashMap<Digest, Vec<String>>,
    /// Blobs in the order they were first noted.
    order: Vec<Key>,
    sessions: BTreeMap<Key, SessionRecord>,
}

impl Known {
    /// Reads a journal; a line that was cut off by a crash is passed over.
    pub(super) fn read(text: &str) -> Self {
        let mut known = Self::default();
        for record in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            known.take(record);
        }
        let oldest = now().saturating_sub(SESSION_LIFE.as_secs());
        known.sessions.retain(|_, session| session.time >= oldest);
        known
    }

    /// Adds one record; says whether it is news.
    pub(super) fn take(&mut self, record: Record) -> bool {
        match record {
            Record::Blob { repository, digest } => {
                let places = self.blobs.entry(digest.clone()).or_default();
                if places.contains(&repository) {
                    return false;
                }
                places.push(repository.clone());
                self.order.push((repository, digest));
                true
            }
            Record::Session(session) => {
                let key = (session.repository.clone(), session.digest.clone());
                self.sessions.insert(key, session);
                true
            }
            Record::Gone { repository, digest } => {
                self.sessions.remove(&(repository, digest)).is_some()
            }
        }
    }

    /// The same in as few lines as possible.
    pub(super) fn write(&self) -> String {
        let newest = &self.order[self.order.len().saturating_sub(BLOBS)..];
        let blobs = newest.iter().map(|(repository, digest)| Record::Blob {
            repository: repository.clone(),
            digest: digest.clone(),
        });
        let sessions = self.sessions.values().cloned().map(Record::Session);
        blobs.chain(sessions).map(|record| line(&record)).collect()
    }

    pub(super) fn places(&self, digest: &Digest) -> &[String] {
        self.blobs.get(digest).map_or(&[], Vec::as_slice)
    }

    pub(super) fn session(&self, repository: &str, digest: &Digest) -> Option<UploadSession> {
        let key = (repository.to_owned(), digest.clone());
        self.sessions.get(&key).map(SessionRecord::session)
    }

    /// Uploads that no run has touched for `age`.
    pub(super) fn idle(&self, age: Duration) -> Vec<(String, Digest, UploadSession)> {
        let before = now().saturating_sub(age.as_secs());
        let idle = self.sessions.values().filter(|session| session.time < before);
        idle.map(|s| (s.repository.clone(), s.digest.clone(), s.session())).collect()
    }
}

/// A record as one line.
pub(super) fn line(record: &Record) -> String {
    serde_json::to_string(record).map(|text| text + "\n").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(repository: &str) -> Record {
        Record::Blob { repository: repository.to_owned(), digest: Digest::sha256(b"x") }
    }

    fn session(at: u64) -> UploadSession {
        let mut hasher = Digest::sha256(b"").hasher();
        hasher.update(&vec![7; at as usize]);
        let url = Url::parse("https://r/v2/a/blobs/uploads/1?_state=s").unwrap();
        UploadSession { url, at, read: Some(Checkpoint { at, hasher }), least: 3 }
    }

    #[test]
    fn keeps_what_counts_and_passes_over_half_lines() {
        let digest = Digest::sha256(&[7; 100]);
        let open = |at| line(&Record::Session(SessionRecord::new("r/a", &digest, &session(at))));
        let text =
            line(&blob("r/a")) + &line(&blob("r/b")) + &line(&blob("r/a")) + &open(5) + &open(50);
        for end in 0..text.len() {
            let _ = Known::read(&text[..end]);
        }
        let known = Known::read(&format!("{text}{{\"blob\""));
        assert_eq!(known.places(&Digest::sha256(b"x")), ["r/a", "r/b"]);
        let again = Known::read(&known.write());
        assert_eq!(again.write().lines().count(), 3);
        let found = again.session("r/a", &digest).unwrap();
        assert_eq!((found.at, found.least), (50, 3));
        let mut hasher = found.read.unwrap().hasher;
        hasher.update(&[7; 50]);
        assert_eq!(hasher.finish(), digest);
    }

    #[test]
    fn forgets_sessions_that_ended_or_are_old() {
        let digest = Digest::sha256(b"y");
        let mut known = Known::default();
        let mut record = SessionRecord::new("r/a", &digest, &session(1));
        record.time -= 3600;
        known.take(Record::Session(record.clone()));
        assert_eq!(known.idle(Duration::from_secs(60)).len(), 1);
        assert!(known.idle(Duration::from_secs(7200)).is_empty());
        let gone = Record::Gone { repository: "r/a".to_owned(), digest };
        assert!(known.take(gone.clone()) && !known.take(gone));
        record.time = 0;
        assert!(Known::read(&line(&Record::Session(record))).write().is_empty());
    }
}
