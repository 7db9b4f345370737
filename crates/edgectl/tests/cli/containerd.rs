//! A real containerd that reads its files from where user data writes them: in
//! a mount namespace of its own, they lie over the machine's `/etc`.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use edgectl_process::{Cmd, Running, Tool};
use edgectl_testkit::containerd_program;
use tempfile::TempDir;

const CURL: Tool = Tool {
    name: "curl",
    package: "curl",
    purpose: "asking a container runtime for an image as the kubelet does",
    version: &["--version"],
};

/// Files by their path on the host, with mode and content.
pub(crate) type HostFiles = BTreeMap<String, (u32, String)>;

/// Far longer than it takes to start.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Containerd {
    dir: TempDir,
    _running: Running,
}

impl Containerd {
    /// Starts it on a host that has `files`, and waits until it is there.
    pub(crate) fn start(files: &HostFiles) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (path, (mode, content)) in files {
            let path = dir.path().join(path.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(*mode)).unwrap();
        }
        // What lies over `/etc` can't be written to, and it would make this one.
        std::fs::create_dir_all(dir.path().join("etc/cni/net.d")).unwrap();
        let over = "mount -t overlay -o \"lowerdir=$1/etc:/etc\" etc /etc && shift && exec \"$@\"";
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let place = |name: &str| dir.path().join(name);
        let cmd = Cmd::new("unshare")
            .args(["--mount", "--map-root-user", "--", "sh", "-c", over, "sh"])
            .arg(dir.path())
            .arg(containerd_program("containerd"));
        let cmd = ["root", "state", "address"]
            .into_iter()
            .fold(cmd, |cmd, name| cmd.arg(format!("--{name}")).arg(place(name)));
        let containerd = Self { dir, _running: cmd.start_logging(&log).unwrap() };
        let deadline = Instant::now() + PATIENCE;
        while !containerd.place("address").exists() {
            assert!(Instant::now() < deadline, "{}", containerd.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        containerd
    }

    /// Pulls an image as the kubelet does: its id, or what containerd says
    /// against it.
    pub(crate) fn pull(&self, image: &str) -> Result<String, String> {
        // `PullImageRequest` of `runtime.v1`, with the name alone, behind the
        // head of a gRPC message.
        let request = message(&[0x0a], &message(&[0x0a], image.as_bytes()));
        let head = [0, 0, 0, 0, u8::try_from(request.len()).unwrap()];
        std::fs::write(self.place("request"), [&head[..], &request].concat()).unwrap();
        let cmd = CURL.cmd().unwrap();
        cmd.args(["--silent", "--show-error", "--http2-prior-knowledge"])
            .args(["--header", "content-type: application/grpc", "--header", "te: trailers"])
            .arg("--unix-socket")
            .arg(self.place("address"))
            .arg("--data-binary")
            .arg(format!("@{}", self.place("request").display()))
            .arg("--dump-header")
            .arg(self.place("headers"))
            .arg("--output")
            .arg(self.place("answer"))
            .arg("http://containerd/runtime.v1.ImageService/PullImage")
            .ensure_success()
            .unwrap();
        let headers = std::fs::read_to_string(self.place("headers")).unwrap();
        if !headers.lines().any(|line| line.trim_end() == "grpc-status: 0") {
            return Err(headers);
        }
        // `PullImageResponse`: the id is behind the heads.
        let answer = std::fs::read(self.place("answer")).unwrap();
        Ok(String::from_utf8(answer[7..].to_vec()).unwrap())
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.place("log")).unwrap()
    }

    fn place(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// A field of a protocol buffer: tag, length, content.
fn message(tag: &[u8], content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    assert!(length < 0x80, "longer ones have longer lengths");
    [tag, &[length], content].concat()
}
