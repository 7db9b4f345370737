//! What the registry holds, and how it answers.

use std::collections::{BTreeMap, HashMap};

use edgectl_model::Digest;
use serde_json::Value;

use super::wire::{Answer, Head};
use super::{Chunked, Fault, Flavor, Form, Mounts, Partial};

/// An upload.
struct Session {
    repository: String,
    bytes: Vec<u8>,
    /// Answers so far; a moving address has to name it.
    turn: usize,
    is_poisoned: bool,
}

pub(crate) struct Inner {
    flavor: Flavor,
    address: String,
    /// First lines.
    pub(crate) requests: Vec<String>,
    pub(crate) faults: BTreeMap<usize, Fault>,
    pub(crate) blobs: HashMap<(String, String), Vec<u8>>,
    pub(crate) manifests: HashMap<(String, String), (String, Vec<u8>)>,
    pub(crate) tags: HashMap<(String, String), String>,
    /// Bytes of blobs that were taken or lost.
    pub(crate) received: u64,
    sessions: HashMap<usize, Session>,
    opened: usize,
    /// Uses of each token.
    tokens: Vec<usize>,
}

impl Inner {
    pub(super) fn new(flavor: Flavor, address: &str) -> Self {
        Self {
            flavor,
            address: address.to_owned(),
            requests: Vec::new(),
            faults: BTreeMap::new(),
            blobs: HashMap::new(),
            manifests: HashMap::new(),
            tags: HashMap::new(),
            received: 0,
            sessions: HashMap::new(),
            opened: 0,
            tokens: Vec::new(),
        }
    }

    /// Uploads that nobody has closed or given up.
    pub(crate) fn open_uploads(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn begin(&mut self, head: &Head) -> Option<Fault> {
        self.requests.push(head.line());
        self.faults.remove(&(self.requests.len() - 1))
    }

    /// A request's body ended too early.
    pub(super) fn broke_off(&mut self, head: &Head, part: &[u8]) {
        self.received += part.len() as u64;
        let Some(id) = session_id(&head.path) else { return };
        if self.flavor.partial == Partial::Deletes {
            self.sessions.remove(&id);
        }
        let keeps = self.flavor.partial == Partial::Keeps && head.method == "PATCH";
        if let Some(session) = self.sessions.get_mut(&id) {
            if keeps {
                session.bytes.extend_from_slice(part);
            }
            session.is_poisoned |= self.flavor.partial == Partial::Poisons;
            session.turn += 1;
        }
    }

    pub(super) fn answer(&mut self, head: &Head, body: &[u8]) -> Answer {
        if head.path == "/token" {
            let text = format!(r#"{{"token":"t{}"}}"#, self.tokens.len());
            self.tokens.push(0);
            return Answer { status: 200, body: text.into_bytes(), ..Answer::default() };
        }
        if let Some(refused) = self.check_token(head) {
            return refused;
        }
        if head.path == "/v2/" {
            return Answer::new(200);
        }
        self.route(head, body)
    }

    fn check_token(&mut self, head: &Head) -> Option<Answer> {
        let uses = self.flavor.tokens?;
        let given = head.header("authorization").unwrap_or_default();
        let number = given.strip_prefix("Bearer t").and_then(|number| number.parse().ok());
        if let Some(used) = number.and_then(|number: usize| self.tokens.get_mut(number)) {
            *used += 1;
            if *used <= uses {
                return None;
            }
        }
        let realm = format!("Bearer realm=\"http://{}/token\",service=\"chaos\"", self.address);
        Some(Answer::error(401, "UNAUTHORIZED").with("www-authenticate", realm))
    }

    fn route(&mut self, head: &Head, body: &[u8]) -> Answer {
        let rest = head.path.strip_prefix("/v2/").unwrap_or_default().to_owned();
        if let Some(id) = session_id(&head.path) {
            return self.upload(head, id, body);
        }
        if let Some((repository, _)) = rest.split_once("/blobs/uploads/") {
            return self.open(head, repository);
        }
        if let Some((repository, digest)) = rest.split_once("/blobs/") {
            return self.blob(head, repository, digest);
        }
        if let Some((repository, name)) = rest.split_once("/manifests/") {
            return match head.method.as_str() {
                "PUT" => self.put_manifest(head, repository, name, body),
                _ => self.manifest(repository, name),
            };
        }
        if let Some((repository, digest)) = rest.split_once("/referrers/") {
            return self.referrers(repository, digest);
        }
        Answer::error(404, "NOT_FOUND")
    }

    fn blob(&self, head: &Head, repository: &str, digest: &str) -> Answer {
        let Some(bytes) = self.blobs.get(&(repository.to_owned(), digest.to_owned())) else {
            return Answer::error(404, "BLOB_UNKNOWN");
        };
        let from = head.header("range").filter(|_| self.flavor.ranges);
        let from = from.and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        let from: usize = from.unwrap_or(0);
        let mut answer = Answer::new(if from > 0 { 206 } else { 200 });
        if from > 0 {
            let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
            answer = answer.with("content-range", range);
        }
        answer.body = bytes[from..].to_vec();
        answer
    }

    fn open(&mut self, head: &Head, repository: &str) -> Answer {
        let wanted = head.parameter("mount").zip(head.parameter("from"));
        if let Some((digest, from)) = wanted {
            let there = self.blobs.get(&(from, digest.clone())).cloned();
            match (self.flavor.mounts, there) {
                (Mounts::Refused, _) => return Answer::error(400, "UNSUPPORTED"),
                (Mounts::Lies, _) => return Answer::new(201).with("location", "/nowhere"),
                (Mounts::Done, Some(bytes)) => {
                    self.blobs.insert((repository.to_owned(), digest), bytes);
                    return Answer::new(201).with("location", "/v2/somewhere");
                }
                (Mounts::Shared, Some(bytes)) => {
                    self.blobs.insert((repository.to_owned(), digest), bytes);
                }
                _ => {}
            }
        }
        self.opened += 1;
        let session = Session {
            repository: repository.to_owned(),
            bytes: Vec::new(),
            turn: 0,
            is_poisoned: false,
        };
        self.sessions.insert(self.opened, session);
        let answer = Answer::new(202).with("location", self.location(self.opened));
        match self.flavor.least {
            0 => answer,
            least => answer.with("oci-chunk-min-length", least),
        }
    }

    fn location(&self, id: usize) -> String {
        let turn = self.sessions.get(&id).map_or(0, |session| session.turn);
        match self.flavor.form {
            Form::Absolute => format!("http://{}/up/{id}", self.address),
            Form::Relative => format!("/up/{id}"),
            Form::Moving => format!("/up/{id}?_state={turn}"),
        }
    }

    fn upload(&mut self, head: &Head, id: usize, body: &[u8]) -> Answer {
        self.received += body.len() as u64;
        if body.len() as u64 > self.flavor.most {
            return Answer::error(413, "TOO_LARGE");
        }
        let is_moving = self.flavor.form == Form::Moving;
        let Some(session) = self.sessions.get_mut(&id).filter(|s| !s.is_poisoned) else {
            return Answer::error(404, "BLOB_UPLOAD_UNKNOWN");
        };
        let is_status = head.method == "GET";
        let is_old = head.parameter("_state") != Some(session.turn.to_string());
        if is_moving && is_old && !is_status && head.method != "DELETE" {
            return Answer::error(400, "BLOB_UPLOAD_INVALID");
        }
        match head.method.as_str() {
            "GET" => {}
            "DELETE" => {
                self.sessions.remove(&id);
                return Answer::new(204);
            }
            "PATCH" => {
                if let Chunked::Refused(status) = self.flavor.chunked {
                    return Answer::error(status, "UNSUPPORTED");
                }
                let start = head.header("content-range").and_then(|r| r.split('-').next());
                if start != Some(session.bytes.len().to_string().as_str()) {
                    return Answer::error(416, "BLOB_UPLOAD_INVALID");
                }
                session.bytes.extend_from_slice(body);
                session.turn += 1;
            }
            _ => return self.close(head, id, body),
        }
        let status = match (is_status, self.flavor.chunked) {
            (true, _) => 204,
            (false, Chunked::Says201) => 201,
            _ => 202,
        };
        let last = session.bytes.len().saturating_sub(1);
        let prefix = if self.flavor.bytes_range { "bytes=" } else { "" };
        let range = format!("{prefix}0-{last}");
        Answer::new(status).with("location", self.location(id)).with("range", range)
    }

    fn close(&mut self, head: &Head, id: usize, body: &[u8]) -> Answer {
        let Some(mut session) = self.sessions.remove(&id) else {
            return Answer::error(404, "BLOB_UPLOAD_UNKNOWN");
        };
        session.bytes.extend_from_slice(body);
        let digest = Digest::sha256(&session.bytes).to_string();
        if head.parameter("digest").as_deref() != Some(digest.as_str()) {
            return Answer::error(400, "DIGEST_INVALID");
        }
        self.blobs.insert((session.repository, digest.clone()), session.bytes);
        Answer::new(201).with("docker-content-digest", digest)
    }

    fn manifest(&self, repository: &str, name: &str) -> Answer {
        let tag = self.tags.get(&(repository.to_owned(), name.to_owned()));
        let digest = tag.map_or(name, String::as_str);
        let found = self.manifests.get(&(repository.to_owned(), digest.to_owned()));
        let Some((media_type, bytes)) = found else {
            return Answer::error(404, "MANIFEST_UNKNOWN");
        };
        let mut answer = Answer::new(200).with("content-type", media_type);
        if self.flavor.says_digest {
            answer = answer.with("docker-content-digest", digest);
        }
        answer.body = bytes.clone();
        answer
    }

    fn put_manifest(&mut self, head: &Head, repository: &str, name: &str, body: &[u8]) -> Answer {
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            return Answer::error(400, "MANIFEST_INVALID");
        };
        let digest = Digest::sha256(body).to_string();
        if name.contains(':') && name != digest {
            return Answer::error(400, "DIGEST_INVALID");
        }
        if !self.has_all(repository, &json) {
            return Answer::error(400, "MANIFEST_BLOB_UNKNOWN");
        }
        let media_type = head.header("content-type").unwrap_or_default().to_owned();
        let key = (repository.to_owned(), digest.clone());
        self.manifests.insert(key, (media_type, body.to_vec()));
        if !name.contains(':') {
            self.tags.insert((repository.to_owned(), name.to_owned()), digest.clone());
        }
        let answer = Answer::new(201).with("docker-content-digest", &digest);
        match json["subject"]["digest"].as_str() {
            Some(subject) if self.flavor.referrers => answer.with("oci-subject", subject),
            _ => answer,
        }
    }

    /// Whether everything that a manifest names is in its repository.
    pub(crate) fn has_all(&self, repository: &str, manifest: &Value) -> bool {
        let digests = |key: &str| {
            let list = manifest[key].as_array().cloned().unwrap_or_default();
            list.into_iter().filter_map(|e| e["digest"].as_str().map(str::to_owned))
        };
        let place = |digest: String| (repository.to_owned(), digest);
        let config = manifest["config"]["digest"].as_str().map(str::to_owned);
        digests("layers").chain(config).all(|d| self.blobs.contains_key(&place(d)))
            && digests("manifests").all(|d| self.manifests.contains_key(&place(d)))
    }

    fn referrers(&self, repository: &str, subject: &str) -> Answer {
        if !self.flavor.referrers {
            return Answer::error(404, "NOT_FOUND");
        }
        let own = self.manifests.iter().filter(|((place, _), _)| place == repository);
        let entries: Vec<Value> = own
            .filter_map(|((_, digest), (media_type, bytes))| {
                let json: Value = serde_json::from_slice(bytes).ok()?;
                let is_it = json["subject"]["digest"] == subject;
                is_it.then(|| {
                    serde_json::json!({
                        "mediaType": media_type, "digest": digest, "size": bytes.len(),
                    })
                })
            })
            .collect();
        let media_type = "application/vnd.oci.image.index.v1+json";
        let index = serde_json::json!({
            "schemaVersion": 2, "mediaType": media_type, "manifests": entries,
        });
        let mut answer = Answer::new(200).with("content-type", media_type);
        answer.body = index.to_string().into_bytes();
        answer
    }
}

fn session_id(path: &str) -> Option<usize> {
    path.strip_prefix("/up/")?.parse().ok()
}
