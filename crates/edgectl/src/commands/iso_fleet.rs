//! `edgectl iso fleet`: an image or a seed for each site, from the user data
//! that `user-data inject --sites` has written.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use edgectl_iso::{Base, Change, Disc, SEED_LABEL, SeedFile, seed_image};
use edgectl_model::{Digest, count};
use edgectl_process::{Staging, interrupted, write_file, write_private};

use crate::commands::iso_inject::{ensure_good, image, takes_cloud_config};
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::read_user_data;
use crate::iso_cli::IsoFleetArgs;
use crate::iso_encrypt::{ForMedium, There, Wish};
use crate::iso_exposure::Exposure;
use crate::iso_network::network_config;
use crate::printer::Printer;
use crate::sites::SITES_WRITTEN;

/// What `sha256sum -c` reads.
const SUMS: &str = "SHA256SUMS";
/// Seeds have no other date than this: 1980, the first that all systems know.
const SEED_EPOCH: u64 = 315_532_800;

/// The user data of one site.
struct Site {
    name: String,
    path: PathBuf,
}

pub(crate) fn run(args: &IsoFleetArgs, printer: Printer) -> Result<u8, Failure> {
    let sites = sites(&args.sites)?;
    let written = match args.seeds {
        true => seeds(args, &sites, printer)?,
        false => images(args, &sites, printer)?,
    };
    let what = count(sites.len(), if args.seeds { "seed" } else { "image" });
    printer.say(&format!("{what} in {}{written}", args.out.display()));
    Ok(exit::DONE)
}

/// The files of a directory of user data, in the order of their names.
fn sites(directory: &Path) -> Result<Vec<Site>, Failure> {
    let reading = || format!("reading the user data of the sites in `{}`", directory.display());
    let failed = |error: &std::io::Error| {
        Failure::of(exit::FAILED, error).doing(reading()).hint(
            "`edgectl user-data inject --sites SITES --out DIR` renders one user data per site into a directory",
        )
    };
    let mut sites = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(|e| failed(&e))? {
        let entry = entry.map_err(|e| failed(&e))?;
        if entry.file_name() == SITES_WRITTEN {
            continue;
        }
        let path = entry.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_yaml = path.extension().is_some_and(|ending| ending == "yaml");
        if !is_yaml || !name.chars().all(is_plain) || name.is_empty() {
            let text = format!("`{}` is no site's user data: expected SITE.yaml", path.display());
            return Err(Failure::new(exit::FAILED, text));
        }
        sites.push(Site { name, path });
    }
    sites.sort_by(|a, b| a.name.cmp(&b.name));
    match sites.is_empty() {
        true => Err(Failure::new(exit::FAILED, format!("`{}` is empty", directory.display()))),
        false => Ok(sites),
    }
}

/// What goes onto one site's image.
struct Texts {
    user_data: ForMedium,
    network: Option<String>,
}

impl Texts {
    fn change(&self) -> Change<'_> {
        Change {
            user_data: Some(self.user_data.bytes()),
            is_encrypted: self.user_data.is_encrypted(),
            network_config: self.network.as_deref().map(str::as_bytes),
            ..Change::default()
        }
    }
}

/// `checks` where the user data is to be cloud-config.
fn read(args: &IsoFleetArgs, wish: &Wish, site: &Site, checks: bool) -> Result<Texts, Failure> {
    interrupted()?;
    let user_data = args.authority.put_into(read_user_data(&site.path)?)?;
    if checks {
        ensure_good(&site.path, &user_data)?;
    }
    let network = args.network_config.as_ref().and_then(|path| match path.is_dir() {
        true => Some(path.join(format!("{}.yaml", site.name))).filter(|file| file.exists()),
        false => Some(path.clone()),
    });
    let network = network.map(|file| network_config(&file, !args.no_check)).transpose()?;
    Ok(Texts { user_data: wish.apply(&user_data).doing(of(site))?, network })
}

fn of(site: &Site) -> String {
    format!("the user data of `{}`", site.name)
}

/// Writes one image per site; those that are there already stay.
fn images(args: &IsoFleetArgs, sites: &[Site], printer: Printer) -> Result<String, Failure> {
    let iso = image(args.iso.as_deref(), &args.project.file)?;
    ensure_apart(&iso, args, sites)?;
    let base = Base::open(&iso).doing(format!("reading `{}`", iso.display()))?;
    let wish = args.encrypt.wish_beside(&args.project.file)?;
    let on_base = There::on(&iso)?;
    let checks = !args.no_check && takes_cloud_config(&iso)?;
    let (mut exposure, mut ready) = (Exposure::default(), Vec::new());
    // All of them are looked at before any is written.
    for site in sites {
        let text = read(args, &wish, site, checks)?;
        wish.ensure_no_less(&text.user_data, &on_base)?;
        base.check(&text.change()).doing(of(site))?;
        exposure.add(Some(&text.user_data), text.network.is_some());
        // Encrypted, it is another one each time: what was looked at is written.
        ready.push(Some(text).filter(|text| text.user_data.is_encrypted()));
    }
    let (mut sums, mut there) = (String::new(), 0);
    for (site, ready) in sites.iter().zip(ready) {
        let name = format!("{}.iso", site.name);
        let path = args.out.join(&name);
        let text = ready.map_or_else(|| read(args, &wish, site, checks), Ok)?;
        let doing = || format!("writing `{}`", path.display());
        let digest = match base.digest_if_there(&text.change(), &path).doing(doing())? {
            Some(digest) => {
                there += 1;
                digest
            }
            None => base.write(&text.change(), &path).doing(doing())?,
        };
        add(&mut sums, &digest, &name);
        printer.say(&format!("  {name}"));
    }
    write_file(&args.out.join(SUMS), 0o644, sums.as_bytes())?;
    exposure.tell("the images", on_base.decrypts, printer);
    Ok(if there == 0 { String::new() } else { format!(", {there} of them there already") })
}

/// Writes one seed per site; the directory is replaced as a whole.
fn seeds(args: &IsoFleetArgs, sites: &[Site], printer: Printer) -> Result<String, Failure> {
    ensure_ours(&args.out)?;
    let wish = args.encrypt.wish_beside(&args.project.file)?;
    ensure_open(matches!(wish, Wish::To(_)))?;
    let staging = Staging::new(&args.out)?;
    let (mut sums, mut exposure) = (String::new(), Exposure::default());
    for site in sites {
        let text = read(args, &wish, site, !args.no_check)?;
        ensure_open(text.user_data.is_encrypted())?;
        exposure.add(Some(&text.user_data), text.network.is_some());
        let meta = format!("instance-id: {}\n", site.name);
        let mut files = vec![
            SeedFile { name: "meta-data", content: meta.as_bytes() },
            SeedFile { name: "user-data", content: text.user_data.bytes() },
        ];
        let network = text.network.as_deref().map(str::as_bytes);
        files.extend(network.map(|content| SeedFile { name: "network-config", content }));
        let bytes = seed_image(SEED_LABEL, &files, SEED_EPOCH);
        let name = format!("{}.iso", site.name);
        add(&mut sums, &Digest::sha256(&bytes), &name);
        put(&staging, &name, &bytes)?;
    }
    put(&staging, SUMS, sums.as_bytes())?;
    staging.finish()?;
    exposure.tell("the seeds", false, printer);
    Ok(String::new())
}

/// Whoever reads a seed is no agent of ours.
fn ensure_open(is_encrypted: bool) -> Result<(), Failure> {
    match is_encrypted {
        false => Ok(()),
        true => Err(Failure::new(
            exit::FAILED,
            "user data on seeds can't be encrypted: cloud-init and Kairos, which read them, can't decrypt",
        )
        .hint("make images instead (without `--seeds`), or `--plain` for seeds that anybody can read")),
    }
}

fn put(staging: &Staging, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    write_private(&staging.path().join(name), bytes)
        .map_err(|e| Failure::of(exit::FAILED, &e).doing(format!("writing `{name}`")))
}

fn add(sums: &mut String, digest: &Digest, name: &str) {
    let _ = writeln!(sums, "{}  {name}", digest.hex());
}

/// The directory is replaced as a whole, so it may hold nothing else.
fn ensure_ours(out: &Path) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| {
        Failure::of(exit::FAILED, error).doing(format!("reading `{}`", out.display()))
    };
    let entries = match std::fs::read_dir(out) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|e| failed(&e))?,
    };
    for entry in entries {
        let path = entry.map_err(|e| failed(&e))?.path();
        if !is_seed(&path) && path.file_name().is_none_or(|name| name != SUMS) {
            let text = format!("`{}` is no seed", path.display());
            return Err(Failure::new(exit::FAILED, text)
                .hint("name a directory of its own with `--out`; it is replaced as a whole"));
        }
    }
    Ok(())
}

fn is_seed(path: &Path) -> bool {
    Disc::open(path).is_ok_and(|disc| disc.label() == SEED_LABEL)
}

/// The base is not one of the images that are made from it.
fn ensure_apart(base: &Path, args: &IsoFleetArgs, sites: &[Site]) -> Result<(), Failure> {
    let base = base.canonicalize().ok();
    let is_base = |site: &&Site| {
        let out = args.out.join(format!("{}.iso", site.name)).canonicalize().ok();
        out.is_some() && out == base
    };
    match sites.iter().find(is_base) {
        None => Ok(()),
        Some(site) => {
            let text =
                format!("the image of `{}` would replace the one it is made from", site.name);
            Err(Failure::new(exit::USAGE, text).hint("name another directory with `--out`"))
        }
    }
}
