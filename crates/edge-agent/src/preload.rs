//! Images that came on the medium, put into the container runtime's store: a
//! site without a registry in reach has them all the same.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use edgectl_model::NodeEvent;
use edgectl_process::{Cmd, file_error};
use serde_json::Value;

use crate::cri::Cri;
use crate::error::AgentError;
use crate::report::Reporter;

/// Where the installer leaves the layout, by the name on the medium.
pub(crate) const CONTENT: &str = "content";
/// Where the installed system has it.
const PLACE: &str = "/var/lib/edge/content";
/// The namespace that the kubelet's images are in.
const NAMESPACE: &str = "k8s.io";
/// containerd starts beside cloud-init's last stage.
const RUNTIME_WAIT: Duration = Duration::from_secs(180);

/// Imports the layout, if there is one, and takes it away: the store has all
/// of it then.
pub(crate) fn preload(reporter: &mut Reporter) -> Result<(), AgentError> {
    let layout = Path::new(PLACE);
    let index = layout.join("index.json");
    if !index.exists() {
        return Ok(());
    }
    let started = Instant::now();
    let images = count(&std::fs::read(&index).map_err(file_error("reading", &index))?);
    wait_for_runtime()?;
    import(layout)?;
    std::fs::remove_dir_all(layout).map_err(file_error("removing", layout))?;
    let seconds = started.elapsed().as_secs_f64();
    reporter.say(&NodeEvent::ImagesPreloaded { images, seconds });
    Ok(())
}

fn count(index: &[u8]) -> usize {
    let index: Option<Value> = serde_json::from_slice(index).ok();
    index.and_then(|index| Some(index.get("manifests")?.as_array()?.len())).unwrap_or(0)
}

fn wait_for_runtime() -> Result<(), AgentError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| AgentError::Runtime(e.to_string()))?;
    runtime.block_on(Cri::connect(RUNTIME_WAIT)).map(drop)
}

/// Hands the layout to containerd's own tool, as the tar that it takes.
fn import(layout: &Path) -> Result<(), AgentError> {
    let cmd = Cmd::new("ctr").args(["--namespace", NAMESPACE, "images", "import", "-"]);
    let (running, stdin) = cmd.start_with_stdin()?;
    let written = write_tar(layout, BufWriter::new(stdin));
    // A broken pipe says only that it has stopped; it says itself why.
    running.wait()?;
    Ok(written.map_err(file_error("reading", layout))?)
}

/// Writes a layout as a tar.
fn write_tar(layout: &Path, out: impl Write) -> io::Result<()> {
    let mut tar = tar::Builder::new(out);
    for name in ["oci-layout", "index.json"] {
        tar.append_file(name, &mut File::open(layout.join(name))?)?;
    }
    tar.append_dir_all("blobs", layout.join("blobs"))?;
    tar.into_inner()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_becomes_a_tar() {
        let layout = tempfile::tempdir().unwrap();
        let blobs = layout.path().join("blobs/sha256");
        std::fs::create_dir_all(&blobs).unwrap();
        for (name, text) in [("oci-layout", "{}"), ("index.json", r#"{"manifests":[{},{}]}"#)] {
            std::fs::write(layout.path().join(name), text).unwrap();
        }
        std::fs::write(blobs.join("abc"), "blob").unwrap();
        let mut out = Vec::new();
        write_tar(layout.path(), &mut out).unwrap();
        let mut archive = tar::Archive::new(out.as_slice());
        let names: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .filter(|name| !name.ends_with('/'))
            .collect();
        assert!(names.contains(&"blobs/sha256/abc".to_owned()), "{names:?}");
        assert_eq!(names[..2], ["oci-layout", "index.json"]);
        assert_eq!(count(br#"{"manifests":[{},{}]}"#), 2);
        assert_eq!(count(b"no json"), 0);
    }
}
