//! From edge.yaml and the command line to what goes into user data.

use edgectl_cloudconfig::{Flavor, Injection, SiteSettings};
use edgectl_model::{ImageLock, PaletteSection, Secret, UserDataFlavor};
use edgectl_registry::Credentials;

use crate::exit;
use crate::failure::Failure;
use crate::files::read_text;
use crate::inject_cli::{FlavorArg, InjectionArgs, PaletteSectionArg};
use crate::project::Project;
use crate::runtime_files;

/// What goes into `text`.
pub(crate) fn injection(
    project: &Project,
    lock: &ImageLock,
    args: &InjectionArgs,
    text: &str,
) -> Result<Injection, Failure> {
    let login = match args.login.login(project.config.registry.domain.domain())? {
        Some(login) => login,
        None => pull_login(project)?,
    };
    with_login(project, lock, args, text, login)
}

/// What goes into `text`, for somebody who has no login at hand and only asks
/// for names.
pub(crate) fn nameless_injection(
    project: &Project,
    lock: &ImageLock,
    args: &InjectionArgs,
    text: &str,
) -> Result<Injection, Failure> {
    with_login(project, lock, args, text, (String::new(), Secret::new("")))
}

fn with_login(
    project: &Project,
    lock: &ImageLock,
    args: &InjectionArgs,
    text: &str,
    (username, password): (String, Secret),
) -> Result<Injection, Failure> {
    let registry = &project.config.registry;
    let rules = registry
        .mirror_rules()
        .host_rules(lock.workloads().map(|image| &image.source))
        .map_err(|e| Failure::of(exit::FAILED, &e).doing("writing the mirror rules"))?;
    let mut injection = Injection {
        flavor: flavor(project, args.flavor, text)?,
        registry: registry.domain.clone(),
        username,
        password,
        insecure: registry.insecure,
        ca_pem: project.scope().registry_ca(registry)?,
        rules,
        listed: false,
        site: site(project, args)?,
        runtime: None,
    };
    injection.listed = injection.flavor == Flavor::Palette && is_listed(project, args);
    let runtime = runtime_files::runtime(args.runtime, project.config.user_data.runtime, text)?;
    injection.runtime = runtime_files::setup(runtime, &injection, lock)?;
    Ok(injection)
}

/// As the command line says, else as edge.yaml does.
fn flavor(project: &Project, argument: Option<FlavorArg>, text: &str) -> Result<Flavor, Failure> {
    let config = match project.config.user_data.flavor {
        UserDataFlavor::Palette => FlavorArg::Palette,
        UserDataFlavor::Kairos => FlavorArg::Kairos,
        UserDataFlavor::CloudInit => FlavorArg::CloudInit,
        UserDataFlavor::Detect => FlavorArg::Detect,
    };
    Ok(match argument.unwrap_or(config) {
        FlavorArg::Palette => Flavor::Palette,
        FlavorArg::Kairos => Flavor::Kairos,
        FlavorArg::CloudInit => Flavor::CloudInit,
        FlavorArg::Detect => return Flavor::detect(text).ok_or_else(undetected),
    })
}

fn undetected() -> Failure {
    let message =
        "nothing tells who reads the user data: it isn't cloud-config and YAML as it stands";
    Failure::new(exit::USAGE, message)
        .hint("name it: `--flavor palette`, `kairos` or `cloud-init`; `edgectl user-data check` has what is wrong and where")
}

fn is_listed(project: &Project, args: &InjectionArgs) -> bool {
    match args.palette_section {
        Some(section) => section == PaletteSectionArg::ExternalRegistries,
        None => project.config.user_data.palette_section == PaletteSection::ExternalRegistries,
    }
}

fn site(project: &Project, args: &InjectionArgs) -> Result<SiteSettings, Failure> {
    let config = &project.config.user_data.site;
    let named = config.ca.iter().map(|file| project.path(file));
    let files = named.chain(args.site_ca.iter().cloned());
    let read = |file: std::path::PathBuf| read_text(&file, "the site's certificate authority");
    let proxy = |argument: &Option<String>, config: &Option<String>| {
        let url = argument.as_ref().or(config.as_ref());
        url.map(|url| proxy_url(url)).transpose()
    };
    Ok(SiteSettings {
        ca_pems: files.map(read).collect::<Result<_, _>>()?,
        http_proxy: proxy(&args.http_proxy, &config.http_proxy)?,
        https_proxy: proxy(&args.https_proxy, &config.https_proxy)?,
        no_proxy: args.no_proxy.clone().or_else(|| config.no_proxy.clone()),
    })
}

/// Everybody can read a command line, and edge.yaml goes into version control.
fn proxy_url(url: &str) -> Result<String, Failure> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match rest {
        Some(host) if host.contains('@') => {
            Err(Failure::new(exit::USAGE, "a proxy's login has no place here").hint(
                "give the proxy as `http://host:port`, and write its login into the user data \
                 by hand",
            ))
        }
        Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => Ok(url.to_owned()),
        _ => Err(Failure::new(exit::USAGE, "a proxy is given as `http://host:port`")),
    }
}

/// The node's login: user name and password are all that its agent takes.
fn pull_login(project: &Project) -> Result<(String, Secret), Failure> {
    let registry = &project.config.registry;
    let config = registry.pull_credentials.as_ref().or(registry.credentials.as_ref());
    let domain = &registry.domain;
    match project.place.credentials(config, domain.domain(), domain.path())? {
        Credentials::Basic { username, password } => Ok((username, password)),
        Credentials::Anonymous => Ok((String::new(), Secret::new(""))),
        _ => Err(Failure::new(
            exit::FAILED,
            format!(
                "the login for `{domain}` is a token, and nodes log in with a name and a password"
            ),
        )
        .hint("give `registry.pullCredentials` in edge.yaml a `username` and a `passwordFile`")),
    }
}
