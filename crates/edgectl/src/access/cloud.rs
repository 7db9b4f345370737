//! Clouds' keys, from where their own tools look for them.

use std::path::Path;

use edgectl_model::{CloudConfig, Secret, SecretPlace};
use edgectl_registry::{
    AcrLogin, AwsKeys, AzureIdentity, CloudLogin, Credentials, GarLogin, GoogleKey,
};

use crate::exit;
use crate::failure::{Doing, Failure};
use crate::files::read_text;
use crate::project::Place;

/// Where Azure's directory is, unless the environment says otherwise.
const AUTHORITY: &str = "https://login.microsoftonline.com";

impl Place {
    /// The login of a cloud's registry.
    pub(super) fn cloud_login(
        &self,
        host: &str,
        cloud: CloudConfig,
        key_file: Option<&str>,
        token: Option<SecretPlace<'_>>,
    ) -> Result<Credentials, Failure> {
        let token = token.map(|place| self.secret(place, "access token")).transpose()?;
        let login = match (cloud, token) {
            (CloudConfig::Acr, Some(token)) => acr(AzureIdentity::Token(token)),
            (CloudConfig::Acr, None) => acr(azure_principal()?),
            (CloudConfig::Ecr, _) => CloudLogin::Ecr(aws_keys(host)?),
            (CloudConfig::Gar, Some(token)) => return Ok(GarLogin::with_token(token)),
            (CloudConfig::Gar, None) => {
                let file = match key_file {
                    Some(file) => self.path(file),
                    None => required("GOOGLE_APPLICATION_CREDENTIALS", "gar")?.into(),
                };
                google(&file)?
            }
        };
        Ok(Credentials::Cloud(Box::new(login)))
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn required(name: &str, cloud: &str) -> Result<String, Failure> {
    variable(name).ok_or_else(|| {
        Failure::new(exit::USAGE, format!("the environment variable `{name}` is not set")).hint(
            format!("`cloud: {cloud}` in edge.yaml needs it; docs/registries.md has what else"),
        )
    })
}

fn acr(identity: AzureIdentity) -> CloudLogin {
    CloudLogin::Acr(AcrLogin { identity })
}

fn azure_principal() -> Result<AzureIdentity, Failure> {
    Ok(AzureIdentity::Principal {
        authority: variable("AZURE_AUTHORITY_HOST").unwrap_or_else(|| AUTHORITY.to_owned()),
        tenant: required("AZURE_TENANT_ID", "acr")?,
        client: required("AZURE_CLIENT_ID", "acr")?,
        secret: Secret::new(required("AZURE_CLIENT_SECRET", "acr")?),
    })
}

fn aws_keys(host: &str) -> Result<AwsKeys, Failure> {
    let region = AwsKeys::region_of(host)
        .or_else(|| variable("AWS_REGION"))
        .or_else(|| variable("AWS_DEFAULT_REGION"));
    let unknown = || {
        Failure::new(exit::USAGE, format!("`{host}` tells no region of Amazon's"))
            .hint("set AWS_REGION")
    };
    Ok(AwsKeys {
        access_key_id: required("AWS_ACCESS_KEY_ID", "ecr")?,
        secret_access_key: Secret::new(required("AWS_SECRET_ACCESS_KEY", "ecr")?),
        session_token: variable("AWS_SESSION_TOKEN").map(Secret::new),
        region: region.ok_or_else(unknown)?,
        endpoint: variable("AWS_ENDPOINT_URL_ECR").or_else(|| variable("AWS_ENDPOINT_URL")),
    })
}

fn google(file: &Path) -> Result<CloudLogin, Failure> {
    let text = Secret::new(read_text(file, "the key file")?);
    let key = GoogleKey::parse(text.expose()).map_err(|error| Failure::of(exit::FAILED, &error));
    let key = key.doing(format!("reading `{}`", file.display()))?;
    Ok(CloudLogin::Gar(GarLogin { key }))
}
