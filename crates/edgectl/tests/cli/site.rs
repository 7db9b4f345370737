//! A small project with two real registries: one that stands for the
//! internet, and the site's own with TLS and login.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use edgectl_model::{Prefix, Reference, Secret};
use edgectl_registry::{Access, ImageRequest, Layout, Registries, UploadRequest, upload_from};
use edgectl_testkit::{
    RegistryOptions, RegistryServer, TestCa, TinyImage, TinyLayout, TlsFiles, Written,
    path_with_test_tools,
};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "S3ntinel-p:ss w0rd#\"1";
pub(crate) const DOMAIN: &str = "10.10.254.254:8000/ns";

pub(crate) struct Site {
    pub(crate) dir: TempDir,
    pub(crate) source: RegistryServer,
    pub(crate) registry: RegistryServer,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Site {
    /// A site whose profile names `web` and `db` of quay.io, both there.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let source = RegistryServer::start(&RegistryOptions {
            storage: dir.path().join("source"),
            log: dir.path().join("source.log"),
            users: Vec::new(),
            tls: None,
            ..RegistryOptions::below(dir.path())
        })
        .unwrap();
        let registry = external(dir.path());
        let site = Self { dir, source, registry };
        site.write("secrets/uploader", &format!("{PASSWORD}\n"));
        site.write("user-data", "#cloud-config\nstylus:\n  site:\n    name: x   # the site\n");
        site.write("profile.json", &profile(&["quay.io/a/web:1", "quay.io/a/db:1"]));
        site.write("edge.yaml", &site.edge_yaml());
        site
    }

    /// Puts images into the registry that stands for the internet.
    pub(crate) fn serve(&self, images: &[(&str, TinyImage)]) {
        let layout = TinyLayout::new(&self.path("layout")).unwrap();
        let written = images.iter().map(|(name, image)| (*name, layout.image(image).unwrap()));
        self.serve_written(layout.clone(), written.collect());
    }

    /// Serves an index over two platforms.
    pub(crate) fn serve_multi(&self, name: &str) {
        let layout = TinyLayout::new(&self.path("layout")).unwrap();
        let arms = ["amd64", "arm64"].map(|arch| layout.image(&TinyImage::new(arch)).unwrap());
        let index = layout.index(&arms).unwrap();
        self.serve_written(layout, vec![(name, index)]);
    }

    fn serve_written(&self, mut layout: TinyLayout, images: Vec<(&str, Written)>) {
        let mut requests = Vec::new();
        for (name, written) in images {
            layout.name(name, &written).unwrap();
            let target = format!("{}/{name}", self.source.address());
            requests.push(ImageRequest {
                source: Reference::parse(name).unwrap(),
                digest: None,
                target: Reference::parse(&target).unwrap(),
            });
        }
        let layout = Layout::open(self.path("layout")).unwrap();
        let access = Access { insecure: true, ..Access::default() };
        let to = Registries::new(
            BTreeMap::from([(self.source.address(), access)]),
            BTreeMap::<Prefix, Prefix>::new(),
        );
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let request = UploadRequest::new(requests, 4);
        let outcome = runtime.block_on(upload_from(request, &layout, &to, &()));
        assert_eq!(outcome.failed().count(), 0, "{outcome:?}");
    }

    /// Serves both images of the profile.
    pub(crate) fn serve_all(&self) {
        self.serve(&[("quay.io/a/web:1", tiny("web")), ("quay.io/a/db:1", tiny("db"))]);
    }

    pub(crate) fn edge_yaml(&self) -> String {
        format!(
            "apiVersion: edgectl.dev/v1
profile: profile.json
sources:
  mirrors: {{quay.io: \"{source}/quay.io\"}}
  registries: {{\"{source}\": {{insecure: true}}}}
registry:
  domain: {DOMAIN}
  credentials: {{username: uploader, passwordFile: secrets/uploader}}
  ca: ca.pem
  connectTo: {registry}
userData: {{file: user-data}}
iso: {{os: ./os}}
",
            source = self.source.address(),
            registry = self.registry.address(),
        )
    }

    /// Replaces text in edge.yaml.
    pub(crate) fn configure(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path("edge.yaml")).unwrap();
        assert!(text.contains(from), "{from} is not in\n{text}");
        self.write("edge.yaml", &text.replace(from, to));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs edgectl in the project's directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.finish(self.start(arguments), b"")
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ended {
        self.finish(self.start(arguments), input)
    }

    /// Runs edgectl with more environment variables.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        self.finish(self.start_with(arguments, &path_with_test_tools(), variables), b"")
    }

    /// Runs edgectl where no program is on the PATH.
    pub(crate) fn run_without_tools(&self, arguments: &[&str]) -> Ended {
        self.finish(self.start_on_path(arguments, OsStr::new("/nowhere")), b"")
    }

    /// Starts edgectl; its environment has nothing of the user's.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.start_on_path(arguments, &path_with_test_tools())
    }

    fn start_on_path(&self, arguments: &[&str], path: &OsStr) -> Child {
        self.start_with(arguments, path, &[])
    }

    #[expect(clippy::disallowed_methods, reason = "the program under test is started as it is")]
    fn start_with(&self, arguments: &[&str], path: &OsStr, variables: &[(&str, &str)]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_edgectl"))
            .args(arguments)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.dir.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub(crate) fn finish(&self, mut child: Child, input: &[u8]) -> Ended {
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: self.scrub(&output.stdout),
            stderr: self.scrub(&output.stderr),
        }
    }

    /// Ports and directories differ from run to run.
    fn scrub(&self, bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes)
            .replace(&self.source.address(), "[SOURCE]")
            .replace(&self.registry.address(), "[REGISTRY]")
            .replace(self.dir.path().to_str().unwrap(), "[DIR]")
    }

    /// Names of temporary files that were left behind.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(self.dir.path(), &mut found);
        found.retain(|p| p.file_name().unwrap().to_string_lossy().starts_with(".edgectl-"));
        found
    }

    /// Files of uploads that the site's registry has open.
    pub(crate) fn registry_files(&self) -> Vec<PathBuf> {
        let below = self.path("storage/docker/registry/v2/repositories");
        let mut found = Vec::new();
        collect(&below, &mut found);
        found.retain(|path| path.components().any(|c| c.as_os_str() == "_uploads"));
        found
    }

    /// All files of the project, the registries' own left out.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(self.dir.path(), &mut found);
        found.retain(|p| p.is_file());
        found
    }
}

impl Ended {
    pub(crate) fn expect(self, code: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "stdout:\n{stdout}\nstderr:\n{stderr}");
        self
    }
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    // A registry at work makes and removes directories while we look.
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            collect(&path, found);
        }
        found.push(path);
    }
}

fn external(dir: &Path) -> RegistryServer {
    let ca = TestCa::new("edgectl test").unwrap();
    let issued = ca.issue(&["127.0.0.1", "10.10.254.254"]).unwrap();
    let tls = TlsFiles { cert: dir.join("cert.pem"), key: dir.join("key.pem") };
    std::fs::write(&tls.cert, issued.cert_pem).unwrap();
    std::fs::write(&tls.key, issued.key_pem).unwrap();
    std::fs::write(dir.join("ca.pem"), ca.ca_pem()).unwrap();
    RegistryServer::start(&RegistryOptions {
        tls: Some(tls),
        users: vec![("uploader".to_owned(), Secret::new(PASSWORD))],
        ..RegistryOptions::below(dir)
    })
    .unwrap()
}

/// A small image that nothing else shares.
pub(crate) fn tiny(label: &str) -> TinyImage {
    TinyImage::new("amd64").label(label).files(&[("etc/name", label.as_bytes())])
}

/// A profile export whose one pack declares `images`.
pub(crate) fn profile(images: &[&str]) -> String {
    let list: String = images.iter().map(|i| format!("      - image: {i}\\n")).collect();
    format!(
        r#"{{
  "metadata": {{"name": "site"}},
  "spec": {{"version": "1.0.0", "template": {{"type": "add-on", "cloudType": "edge-native", "packs": [
    {{"name": "shop", "type": "spectro", "layer": "addon", "version": "1.0.0",
     "values": "pack:\n  content:\n    images:\n{list}"}}
  ]}}}}
}}
"#
    )
}
