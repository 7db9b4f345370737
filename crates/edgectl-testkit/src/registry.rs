//! Debian's `docker-registry` on loopback.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use edgectl_model::Secret;
use edgectl_process::{Cmd, Running, Tool, write_file};
use serde_json::json;

use crate::error::TestkitError;

/// The registry program.
const REGISTRY: Tool = Tool {
    name: "docker-registry",
    package: "docker-registry",
    purpose: "serving images in tests and in the quickstart",
    version: &["--version"],
};
/// Another program that takes the same configuration, such as version 3 of the
/// same registry: the tests then run against that.
const OTHER: &str = "EDGECTL_TEST_REGISTRY";
/// Lowest cost that bcrypt knows is 4; a login is checked on every request.
const BCRYPT_COST: u32 = 5;
/// Far longer than it takes, on a busy machine, too.
const START: Duration = Duration::from_secs(120);

/// Certificate and key of the registry, PEM files.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How to run a registry.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// Directory that holds its data; configuration is put beside it.
    pub storage: PathBuf,
    /// Port on 127.0.0.1; 0 picks a free one.
    pub port: u16,
    /// Serve HTTPS.
    pub tls: Option<TlsFiles>,
    /// Authority, a PEM file, of the certificates that clients must show.
    pub client_ca: Option<PathBuf>,
    /// Who may log in; nobody needs to where it is empty.
    pub users: Vec<(String, Secret)>,
    /// Where its log goes.
    pub log: PathBuf,
    /// Whether blobs and manifests can be deleted.
    pub delete_enabled: bool,
}

impl RegistryOptions {
    /// A registry without TLS and login below `directory`.
    pub fn below(directory: &Path) -> Self {
        Self {
            storage: directory.join("storage"),
            port: 0,
            tls: None,
            client_ca: None,
            users: Vec::new(),
            log: directory.join("registry.log"),
            delete_enabled: false,
        }
    }
}

/// A running registry; dropping it ends it.
#[derive(Debug)]
pub struct RegistryServer {
    running: Running,
    port: u16,
    log: PathBuf,
}

impl RegistryServer {
    /// Starts a registry and waits until it listens.
    pub fn start(options: &RegistryOptions) -> Result<Self, TestkitError> {
        let config = write_config(options)?;
        let log = File::create(&options.log).map_err(|e| file_error(&options.log, e))?;
        let cmd = program()?.arg("serve").arg(config);
        let mut running = cmd.start_logging(&log).map_err(TestkitError::Start)?;
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if let Some(port) = listening_port(&read(&options.log)?) {
                return Ok(Self { running, port, log: options.log.clone() });
            }
            if running.ended().map_err(TestkitError::Start)?.is_some() {
                return Err(TestkitError::Silent(options.log.clone()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(TestkitError::Silent(options.log.clone()))
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// What it has logged so far.
    pub fn log_text(&self) -> Result<String, TestkitError> {
        read(&self.log)
    }
}

/// Debian's registry, or the one that [`OTHER`] names.
fn program() -> Result<Cmd, TestkitError> {
    match std::env::var_os(OTHER).filter(|program| !program.is_empty()) {
        Some(program) => Ok(Cmd::new(PathBuf::from(program))),
        None => Ok(REGISTRY.cmd()?),
    }
}

fn write_config(options: &RegistryOptions) -> Result<PathBuf, TestkitError> {
    let beside = options.storage.with_extension("yml");
    let users = options.storage.with_extension("htpasswd");
    std::fs::create_dir_all(&options.storage).map_err(|e| file_error(&options.storage, e))?;
    // JSON is YAML, and quotes what needs it.
    let mut config = json!({
        "version": 0.1,
        // Only lines of level debug say which user made a request.
        "log": {"level": "debug", "formatter": "json", "accesslog": {"disabled": false}},
        "storage": {
            "filesystem": {"rootdirectory": options.storage},
            "delete": {"enabled": options.delete_enabled},
            "maintenance": {"uploadpurging": {"enabled": false}},
        },
        "http": {
            "addr": format!("127.0.0.1:{}", options.port),
            // A stable secret lets upload sessions outlive a restart.
            "secret": "edgectl-testkit",
        },
    });
    if let Some(tls) = &options.tls {
        config["http"]["tls"] = json!({"certificate": tls.cert, "key": tls.key});
    }
    if let Some(ca) = &options.client_ca {
        config["http"]["tls"]["clientcas"] = json!([ca]);
    }
    if !options.users.is_empty() {
        write_file(&users, 0o600, htpasswd(&options.users)?.as_bytes())?;
        config["auth"] = json!({"htpasswd": {"realm": "edgectl", "path": users}});
    }
    write_file(&beside, 0o600, config.to_string().as_bytes())?;
    Ok(beside)
}

fn htpasswd(users: &[(String, Secret)]) -> Result<String, TestkitError> {
    let mut text = String::new();
    for (name, password) in users {
        let hash = bcrypt::hash(password.expose(), BCRYPT_COST)
            .map_err(|e| TestkitError::Password(name.clone(), e))?;
        text.push_str(&format!("{name}:{hash}\n"));
    }
    Ok(text)
}

/// `listening on 127.0.0.1:PORT`, with `, tls` behind it or not.
fn listening_port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("listening on 127.0.0.1:")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    // An unfinished line may hold only half of the number.
    rest[digits.len()..].contains('"').then(|| digits.parse().ok())?
}

fn read(path: &Path) -> Result<String, TestkitError> {
    let bytes = std::fs::read(path).map_err(|e| file_error(path, e))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn file_error(path: &Path, error: std::io::Error) -> TestkitError {
    TestkitError::File(path.to_owned(), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_on_a_free_port_and_ends_when_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let server = RegistryServer::start(&RegistryOptions::below(dir.path())).unwrap();
        let id = server.id();
        assert!(std::net::TcpStream::connect(server.address()).is_ok());
        drop(server);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }

    #[test]
    fn finds_the_port_in_the_log() {
        assert_eq!(listening_port(r#"{"msg":"listening on 127.0.0.1:81, tls"}"#), Some(81));
        assert_eq!(listening_port("listening on 127.0.0.1:81"), None);
        assert_eq!(listening_port(""), None);
    }
}
