//! The disc or stick with the key: any file system with the label.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use edgectl_encryption::{Identities, KEY_DISC_LABEL, KEY_FILE, Opener, PASSPHRASE_FILE, Unlock};
use edgectl_model::Secret;
use edgectl_process::Cmd;

/// Where it is mounted while it is read.
const PLACE: &str = "/run/edgectl/key";
/// How long a stick may take to appear.
const WAIT: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(500);
/// Larger files are no keys, in bytes.
const LIMIT: u64 = 64 << 10;

/// What is on a key disc for this kind of user data; none where there is no disc.
pub(crate) fn find(opener: Opener, wait: bool) -> Result<Option<Unlock>, String> {
    let deadline = Instant::now() + if wait { WAIT } else { Duration::ZERO };
    loop {
        let found = devices();
        if !found.is_empty() {
            return first(&found, opener).map(Some);
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        std::thread::sleep(TICK);
    }
}

/// File systems with the label, by what is on them now: links of udev and the
/// cache of earlier runs may not know of one yet.
fn devices() -> Vec<String> {
    let label = format!("LABEL={KEY_DISC_LABEL}");
    let cmd = Cmd::new("blkid").args(["-c", "/dev/null", "-o", "device", "-t", &label]);
    // It fails where it finds nothing.
    let printed = cmd.exchange(b"").map(|(_, printed)| printed).unwrap_or_default();
    String::from_utf8_lossy(&printed).lines().map(str::to_owned).collect()
}

/// The first that has something; a disk and its partition may both be listed.
fn first(devices: &[String], opener: Opener) -> Result<Unlock, String> {
    let mut why = String::new();
    for device in devices {
        match Mounted::new(device).and_then(|mounted| read(mounted.path(), opener)) {
            Ok(unlock) => return Ok(unlock),
            Err(error) => why = format!("{device}: {error}"),
        }
    }
    Err(why)
}

/// What a directory has for this kind of user data.
fn read(directory: &Path, opener: Opener) -> Result<Unlock, String> {
    match opener {
        Opener::Passphrase => {
            let text = text(directory, PASSPHRASE_FILE)?;
            let line = text.expose().lines().next().unwrap_or_default();
            match line.is_empty() {
                true => Err(format!("`{PASSPHRASE_FILE}` is empty")),
                false => Ok(Unlock::Passphrase(Secret::new(line))),
            }
        }
        Opener::Keys(_) | Opener::Unknown => {
            let text = text(directory, KEY_FILE)?;
            let keys = Identities::parse(&text);
            keys.map(Unlock::Identities).map_err(|error| format!("`{KEY_FILE}`: {error}"))
        }
    }
}

fn text(directory: &Path, name: &str) -> Result<Secret, String> {
    let path = directory.join(name);
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => format!("it has no file `{name}`"),
        _ => format!("reading `{name}`: {error}"),
    };
    // What waits for a writer, or leads elsewhere, is no key.
    let is_file = fs::symlink_metadata(&path).map_err(failed)?.is_file();
    if !is_file {
        return Err(format!("`{name}` is no regular file"));
    }
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes));
    read.map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        return Err(format!("`{name}` is larger than a key can be"));
    }
    String::from_utf8(bytes).map(Secret::new).map_err(|_| format!("`{name}` is no text"))
}

/// A mounted disc; unmounted when dropped.
struct Mounted;

impl Mounted {
    fn new(device: &str) -> Result<Self, String> {
        fs::create_dir_all(PLACE).map_err(|error| format!("creating `{PLACE}`: {error}"))?;
        // It is somebody's stick: nothing on it is run, and nothing is written.
        let cmd = Cmd::new("mount").args(["-o", "ro,nosuid,nodev,noexec", device, PLACE]);
        cmd.ensure_success().map_err(|error| error.to_string())?;
        Ok(Self)
    }

    fn path(&self) -> &'static Path {
        Path::new(PLACE)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Cmd::new("umount").arg(PLACE).ensure_success();
    }
}

#[cfg(test)]
mod tests {
    use edgectl_encryption::generate_key;

    use super::*;

    #[test]
    fn a_disc_has_what_this_kind_of_user_data_needs() {
        let disc = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(disc.path().join(name), bytes).unwrap();
        let of = |opener| read(disc.path(), opener);
        assert_eq!(of(Opener::Keys(1)).unwrap_err(), "it has no file `site.key`");
        assert_eq!(of(Opener::Passphrase).unwrap_err(), "it has no file `passphrase`");
        let key = generate_key();
        write("site.key", key.to_file().expose().as_bytes());
        write("passphrase", b" seven words \r\nmore\n");
        let Unlock::Identities(keys) = of(Opener::Keys(1)).unwrap() else { panic!("keys") };
        assert_eq!(keys.public_keys().collect::<Vec<_>>(), [key.public]);
        let Unlock::Passphrase(words) = of(Opener::Passphrase).unwrap() else { panic!("words") };
        assert_eq!(words.expose(), " seven words ");
    }

    #[test]
    fn what_is_no_key_is_told_and_not_quoted() {
        let disc = tempfile::tempdir().unwrap();
        let path = disc.path().join("site.key");
        let of = || read(disc.path(), Opener::Keys(1)).unwrap_err();
        for (bytes, why) in [
            (b"hunter2\n".to_vec(), "`site.key`: line 1: expected a secret key"),
            (vec![0xff], "`site.key` is no text"),
            (vec![b'#'; (LIMIT + 1) as usize], "`site.key` is larger"),
            (Vec::new(), "there is no secret key in it"),
        ] {
            fs::write(&path, bytes).unwrap();
            assert!(of().contains(why) && !of().contains("hunter2"), "{}", of());
        }
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert_eq!(of(), "`site.key` is no regular file");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(of(), "`site.key` is no regular file");
        fs::write(disc.path().join("passphrase"), "\n").unwrap();
        let empty = read(disc.path(), Opener::Passphrase).unwrap_err();
        assert_eq!(empty, "`passphrase` is empty");
    }
}
