//! `credentials` sections: each names one way to a login.

use edgectl_model::{CredentialsConfig, LoginWay, Secret, SecretPlace};
use edgectl_registry::{Credentials, helper_login};

use super::Reach;
use super::docker_login::{self, Found};
use super::password::secret_in_file;
use crate::exit;
use crate::failure::{Doing, Failure};
use crate::project::Place;

impl Place {
    /// The login that a section refers to.
    pub(super) fn configured_login(
        &self,
        config: &CredentialsConfig,
        reach: &Reach<'_>,
    ) -> Result<Found, Failure> {
        // Checked when edge.yaml was read.
        let way = config
            .way()
            .ok_or_else(|| Failure::new(exit::USAGE, "`credentials` names no single way"))?;
        let credentials = match way {
            LoginWay::Anonymous => Credentials::Anonymous,
            LoginWay::Cloud { cloud, key_file, token } => {
                self.cloud_login(reach.host, cloud, key_file, token)?
            }
            LoginWay::DockerConfig(file) => {
                return docker_login::by_file(&self.path(file), reach.host, reach.path);
            }
            LoginWay::Helper(name) => helper_login(name, reach.host)
                .doing(format!("asking for the login of `{}`", reach.host))?,
            LoginWay::IdentityToken(place) => {
                Credentials::identity_token("", self.secret(place, "identity token")?)
            }
            LoginWay::Password { username, password } => {
                Credentials::basic(username, self.secret(password, "password")?)
            }
        };
        Ok(credentials.into())
    }

    /// A secret from where it stands.
    pub(super) fn secret(&self, place: SecretPlace<'_>, what: &str) -> Result<Secret, Failure> {
        match place {
            SecretPlace::File(file) => secret_in_file(&self.path(file), what),
            SecretPlace::Variable(name) => std::env::var(name).map(Secret::new).map_err(|_| {
                Failure::new(exit::USAGE, format!("the environment variable `{name}` is not set"))
                    .hint(format!("`{name}` is named in edge.yaml for the {what}; set it"))
            }),
        }
    }
}
