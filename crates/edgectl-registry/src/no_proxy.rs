//! `NO_PROXY`, read as Go's programs read it.

use std::net::IpAddr;

/// What is reached without a proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Exceptions(Vec<Exception>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Exception {
    /// `*`
    All,
    /// `10.0.0.0/8`
    Network(IpAddr, u32),
    /// `10.0.0.1`, `10.0.0.1:5000`
    Address(IpAddr, Option<u16>),
    /// `example.com`, `.example.com:5000`: with a dot before it, and whether
    /// the name itself belongs to it.
    Domain { suffix: String, with_itself: bool, port: Option<u16> },
}

impl Exceptions {
    /// From a list separated by commas; what makes no sense is left out.
    pub(crate) fn parse(text: &str) -> Self {
        let entries = text.split(',').map(|entry| entry.trim().to_ascii_lowercase());
        Self(entries.filter(|e| !e.is_empty()).filter_map(|e| Exception::parse(&e)).collect())
    }

    /// Whether a host, in lower case and without brackets, is among them.
    pub(crate) fn hold(&self, host: &str, port: u16) -> bool {
        let ip = host.parse::<IpAddr>().ok();
        self.0.iter().any(|exception| exception.holds(host, ip, port))
    }
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self::All);
        }
        if let Some((network, bits)) = entry.split_once('/') {
            let network: IpAddr = network.parse().ok()?;
            let bits = bits.parse().ok().filter(|bits| *bits <= width(network))?;
            return Some(Self::Network(network, bits));
        }
        let (host, port) = split_port(entry)?;
        if let Ok(ip) = host.parse() {
            return Some(Self::Address(ip, port));
        }
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let with_itself = !host.starts_with('.');
        let suffix = if with_itself { format!(".{host}") } else { host.to_owned() };
        Some(Self::Domain { suffix, with_itself, port })
    }

    fn holds(&self, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
        let is_port = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        match self {
            Self::All => true,
            Self::Network(network, bits) => ip.is_some_and(|ip| is_within(ip, *network, *bits)),
            Self::Address(address, wanted) => ip == Some(*address) && is_port(wanted),
            Self::Domain { suffix, with_itself, port: wanted } => {
                let is_host = host.ends_with(suffix) || *with_itself && host == &suffix[1..];
                is_host && is_port(wanted)
            }
        }
    }
}

/// `host`, `host:port`, `[v6]:port`, `v6`; none where there is no host.
fn split_port(entry: &str) -> Option<(&str, Option<u16>)> {
    let bare = entry.trim_matches(['[', ']']);
    if bare.parse::<IpAddr>().is_ok() {
        return Some((bare, None));
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host.trim_matches(['[', ']']), Some(port.parse().ok()?)),
        None => (entry, None),
    };
    (!host.is_empty() && host != ".").then_some((host, port))
}

fn width(ip: IpAddr) -> u32 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn is_within(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    let number = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let rest = width(ip) - bits.min(width(ip));
    let start = |ip| number(ip).checked_shr(rest).unwrap_or(0);
    ip.is_ipv4() == network.is_ipv4() && start(ip) == start(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_reads_it() {
        let list = "10.0.0.0/8, 192.0.2.7, 192.0.2.8:5000,example.com,.sub.org,*.star.net,\
                    ported.io:8443,fd00::/8,[2001:db8::1]:5000,,:80,10.0.0.0/99,x:y";
        let exceptions = Exceptions::parse(list);
        let within = [
            ("10.255.0.1", 443),
            ("192.0.2.7", 1),
            ("192.0.2.8", 5000),
            ("example.com", 443),
            ("reg.example.com", 443),
            ("a.sub.org", 443),
            ("a.star.net", 443),
            ("ported.io", 8443),
            ("fd12::1", 443),
            ("2001:db8::1", 5000),
        ];
        let without = [
            ("11.0.0.1", 443),
            ("192.0.2.8", 443),
            ("notexample.com", 443),
            ("sub.org", 443),
            ("star.net", 443),
            ("ported.io", 443),
            ("fe80::1", 443),
            ("2001:db8::1", 443),
            ("y", 80),
        ];
        for (host, port) in within {
            assert!(exceptions.hold(host, port), "{host}:{port}");
        }
        for (host, port) in without {
            assert!(!exceptions.hold(host, port), "{host}:{port}");
        }
        assert!(Exceptions::parse("a, *").hold("anything", 1));
        assert!(Exceptions::parse("0.0.0.0/0").hold("203.0.113.1", 1));
    }
}
