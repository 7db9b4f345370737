//! A site's certificate authorities in user data that goes onto an image.

use std::path::PathBuf;

use clap::Args;
use edgectl_cloudconfig::{Flavor, Injection, RuntimeSetup, SiteSettings, inject};
use edgectl_model::{Prefix, Secret};

use crate::exit;
use crate::failure::Failure;
use crate::files::read_text;

/// Whom the hosts trust.
#[derive(Debug, Default, Args)]
pub(crate) struct AuthorityArgs {
    /// A certificate authority that the whole host trusts: it goes into the
    /// user data that is put there; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) site_ca: Vec<PathBuf>,
}

impl AuthorityArgs {
    /// User data with the authorities in it, and every other byte as it was.
    pub(crate) fn put_into(&self, text: String) -> Result<String, Failure> {
        if self.site_ca.is_empty() {
            return Ok(text);
        }
        let doing = "putting the site's certificate authorities into the user data";
        let injection = self.injection(&text).map_err(|failure| failure.doing(doing))?;
        inject(&text, &injection).map_err(|error| Failure::of(exit::FAILED, &error).doing(doing))
    }

    /// Fails where there is no user data that they could go into.
    pub(crate) fn ensure_goes_into(&self, user_data: bool) -> Result<(), Failure> {
        match self.site_ca.is_empty() || user_data {
            true => Ok(()),
            false => {
                Err(Failure::new(exit::USAGE, "`--site-ca` goes into user data, and there is none")
                    .hint("give the user data, too: `--user-data FILE`"))
            }
        }
    }

    /// The authorities alone: no registry, and no files of a runtime.
    fn injection(&self, text: &str) -> Result<Injection, Failure> {
        let flavor = match Flavor::detect(text) {
            Some(Flavor::Palette) => {
                return Err(Failure::new(
                    exit::FAILED,
                    "Palette's agent takes them with its registry, in `stylus`",
                )
                .hint("`edgectl user-data inject --site-ca FILE` puts both there"));
            }
            Some(flavor) => flavor,
            None => return Err(Failure::new(exit::FAILED, "it is no cloud-config")),
        };
        let read = |file: &PathBuf| read_text(file, "the site's certificate authority");
        let ca_pems = self.site_ca.iter().map(read).collect::<Result<_, _>>()?;
        let nowhere = Prefix::parse("localhost").map_err(|error| Failure::of(exit::BUG, &error))?;
        Ok(Injection {
            flavor,
            registry: nowhere,
            username: String::new(),
            password: Secret::new(""),
            insecure: false,
            ca_pem: None,
            rules: Vec::new(),
            listed: false,
            site: SiteSettings { ca_pems, ..SiteSettings::default() },
            // A runtime without files: without any, the agent's section with
            // the registry would be written.
            runtime: Some(RuntimeSetup::default()),
        })
    }
}
