//! Proxies, as the usual environment variables name them.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;
use thiserror::Error;

use crate::no_proxy::Exceptions;

/// A variable that names no proxy. Its text may hold a password and is never
/// quoted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProxyError {
    /// Not an address.
    #[error("`{0}` is not the address of a proxy; write http://HOST:PORT")]
    Address(String),
    /// A proxy of a kind that isn't supported.
    #[error("`{variable}` names a `{scheme}` proxy; `http` and `https` ones are supported")]
    Scheme {
        /// The variable.
        variable: String,
        /// The scheme of its address.
        scheme: String,
    },
}

/// The proxies of a run, and what is reached without them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Exceptions,
}

/// One proxy; its login stays hidden.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proxy(Url);

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.name()).finish()
    }
}

impl Proxy {
    /// `host:port`.
    pub(crate) fn name(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        format!("{host}:{}", self.0.port_or_known_default().unwrap_or_default())
    }

    /// The address with its login.
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl Proxies {
    /// From `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, each in
    /// either case; `get` gives a variable's text.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let either = |name: &str| {
            let texts = [name.to_owned(), name.to_ascii_lowercase()].into_iter();
            texts.filter_map(|name| get(&name).map(|t| (name, t))).find(|(_, t)| !t.is_empty())
        };
        // Under CGI a client can set HTTP_PROXY with a header of its own.
        let is_cgi = get("REQUEST_METHOD").is_some();
        let http = either("HTTP_PROXY").filter(|(name, _)| !is_cgi || name != "HTTP_PROXY");
        let all = either("ALL_PROXY");
        let parsed = |found: Option<(String, String)>| {
            found.or(all.clone()).map(|(name, text)| parse(&name, &text)).transpose()
        };
        Ok(Self {
            http: parsed(http)?,
            https: parsed(either("HTTPS_PROXY"))?,
            exceptions: either("NO_PROXY").map(|(_, t)| Exceptions::parse(&t)).unwrap_or_default(),
        })
    }

    /// The proxy to reach a URL through.
    pub(crate) fn for_url(&self, url: &Url) -> Option<&Proxy> {
        let proxy = match url.scheme() {
            "https" => self.https.as_ref()?,
            "http" => self.http.as_ref()?,
            _ => return None,
        };
        let host = url.host_str()?.trim_matches(['[', ']']).to_ascii_lowercase();
        let is_loopback = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if host == "localhost" || is_loopback {
            return None;
        }
        let port = url.port_or_known_default().unwrap_or_default();
        (!self.exceptions.hold(&host, port)).then_some(proxy)
    }
}

fn parse(variable: &str, text: &str) -> Result<Proxy, ProxyError> {
    let text = text.trim();
    let with_scheme = match text.contains("://") {
        true => text.to_owned(),
        false => format!("http://{text}"),
    };
    let bad = || ProxyError::Address(variable.to_owned());
    let url = Url::parse(&with_scheme).map_err(|_| bad())?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad());
    }
    match url.scheme() {
        "http" | "https" => Ok(Proxy(url)),
        scheme => Err(ProxyError::Scheme {
            variable: variable.to_owned(),
            scheme: scheme.chars().take(16).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        Proxies::from_variables(|name| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        })
    }

    fn proxy(variables: &[(&str, &str)], url: &str) -> Option<String> {
        let proxies = proxies(variables).unwrap();
        proxies.for_url(&Url::parse(url).unwrap()).map(Proxy::name)
    }

    #[test]
    fn the_nearest_variable_counts() {
        let all = [("ALL_PROXY", "all:1"), ("HTTPS_PROXY", ""), ("https_proxy", "https://s:2")];
        assert_eq!(proxy(&all, "https://reg.example/").unwrap(), "s:2");
        assert_eq!(proxy(&all, "http://reg.example/").unwrap(), "all:1");
        assert_eq!(proxy(&[("HTTPS_PROXY", "p")], "https://reg.example").unwrap(), "p:80");
        assert_eq!(proxy(&[("HTTP_PROXY", "p")], "https://reg.example"), None);
        let cgi = [("HTTP_PROXY", "evil:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(proxy(&cgi, "http://reg.example"), None);
    }

    #[test]
    fn loopback_is_reached_directly() {
        for url in ["https://localhost:5000", "https://127.0.0.9/", "https://[::1]:5000/"] {
            assert_eq!(proxy(&[("ALL_PROXY", "p:1")], url), None, "{url}");
        }
    }

    #[test]
    fn a_login_is_never_shown() {
        let shown = format!("{:?}", proxies(&[("ALL_PROXY", "http://u:hunter2@p:1")]).unwrap());
        assert!(shown.contains("p:1") && !shown.contains("hunter2"), "{shown}");
        for text in ["socks5://u:hunter2@p:1", "http://u:hunter2@", "http://u:hunter2@p:x"] {
            let error = proxies(&[("ALL_PROXY", text)]).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("ALL_PROXY") && !shown.contains("hunter2"), "{shown}");
        }
    }
}
