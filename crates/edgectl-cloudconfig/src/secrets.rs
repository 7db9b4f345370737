//! Telling secrets from other texts.

mod command;
mod directive;
mod key;
mod login;
mod manifest;
mod markup;
mod output;
mod pair;
mod shape;
mod words;

pub(crate) use command::{is_command_with_secret, is_user_with_password};
pub(crate) use key::{
    is_beside_secret, is_login_file, is_login_key, is_secret_file, is_secret_key, is_secrets_key,
};
pub(crate) use login::{logins, without_logins};
pub(crate) use manifest::is_secret as is_secret_manifest;
pub(crate) use pair::is_variable;
pub(crate) use shape::is_public_key;

use std::borrow::Cow;

use crate::certificate::decode_bytes;
use crate::scalar::is_old_line_end;
use pair::Pair;

/// Shortest word that is taken for base64 of something.
const SHORTEST: usize = 16;

/// Whether a text has a secret in one of its lines, in the clear or as base64:
/// `password: x`, `"auth": "x"`, `TOKEN=x`, `docker login -p x`, a private key.
pub(crate) fn has_secret_line(text: &str) -> bool {
    has_secret_line_or(text, is_secret_manifest)
}

/// The same with another opinion of which manifests are secrets.
pub(crate) fn has_secret_line_or(text: &str, is_manifest: impl Fn(&str) -> bool) -> bool {
    let text = text.replace(|c| c == '\r' || is_old_line_end(c), "\n");
    let is_secret = |text: &str| secret_lines(text).contains(&true) || is_manifest(text);
    // The whole, which may take several lines, or a word of it.
    let whole = decode_bytes(&text);
    let words = text.split(|c: char| c.is_whitespace() || "\"',;:()".contains(c));
    let words = words.filter(|word| word.len() >= SHORTEST && word.len() < text.len());
    let decoded = words.filter_map(decode_bytes).filter(|decoded| is_text(decoded));
    is_secret(&text)
        || whole.into_iter().chain(decoded).any(|text| is_secret(&String::from_utf8_lossy(&text)))
}

/// A key as it may be shown: `root:x: …`, `password x: …` and `TOKEN=x: …` have a secret in
/// it, where a value was meant, and so may a URL.
pub(crate) fn shown_key(key: &str) -> &str {
    let is_told = matches!(pair::secret_pair(key), Some(Pair::Value(_) | Pair::Beside))
        || logins(key) > 0
        || shape::has_secret(key);
    let mut words = key.split_whitespace();
    let is_behind_name = words.next().is_some_and(is_secret_key) && words.next().is_some();
    // `reg.local:5000` and `https://reg.local` are keys of registries.
    let is_address = |(name, said): (&str, &str)| {
        said.starts_with("//") || (name.contains('.') && said.bytes().all(|c| c.is_ascii_digit()))
    };
    // `users:- name`, where a statement of a template takes the line's end along.
    let is_joined = |said: &str| said.starts_with("- ") || said.starts_with(char::is_whitespace);
    let is_other = |parts: (&str, &str)| is_address(parts) || is_joined(parts.1);
    let is_login = is_user_with_password(key) && !key.split_once(':').is_some_and(is_other);
    if is_told || is_behind_name || is_login { "…" } else { key }
}

/// Whether bytes aren't those of a word that only looks like base64.
fn is_text(bytes: &[u8]) -> bool {
    let is_odd = |c: char| c.is_control() && !c.is_whitespace();
    std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(is_odd))
}

/// Which lines of a text are a secret or a part of one.
pub(crate) fn secret_lines(text: &str) -> Vec<bool> {
    let first_words = text.lines().filter_map(|line| line.split_whitespace().next());
    let is_netrc = first_words.into_iter().any(|word| matches!(word, "machine" | "default"));
    let mut lines = Lines { open: Open::Nothing, is_netrc };
    let mut secret = Vec::new();
    for (line, count) in joined(text) {
        let is_secret = lines.take(&line);
        secret.extend(std::iter::repeat_n(is_secret, count));
    }
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    for named in [manifest::named_secrets(text), markup::named_secrets(text)].concat() {
        let line = |at: usize| ends.partition_point(|end| *end < at);
        let lines = secret.get_mut(line(named.start)..=line(named.end));
        lines.unwrap_or_default().fill(true);
    }
    secret
}

/// The lines of a text, those that go on behind a `\` as one, with how many they are.
fn joined(text: &str) -> Vec<(Cow<'_, str>, usize)> {
    let mut all: Vec<(Cow<'_, str>, usize)> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let bare = line.trim_end_matches('\\');
        match all.last_mut().filter(|_| goes_on) {
            Some((whole, count)) => {
                let open = whole.strip_suffix('\\').map_or(0, str::len);
                whole.to_mut().truncate(open);
                *whole.to_mut() += &format!(" {line}");
                *count += 1;
            }
            None => all.push((Cow::Borrowed(line), 1)),
        }
        goes_on = (line.len() - bare.len()) % 2 == 1;
    }
    all
}

/// What the lines so far have begun.
enum Open {
    Nothing,
    /// A private key.
    Key,
    /// A certificate or a public key: what its base64 looks like by chance.
    Public,
    /// Input of a command, to this line.
    Input(String),
    /// An element, to the line that has this.
    Element(String),
    /// A value whose other lines stand further to the right.
    Value(usize),
    /// A key without a value: it may stand below, further to the right.
    Below(usize),
}

struct Lines {
    open: Open,
    is_netrc: bool,
}

impl Lines {
    fn take(&mut self, line: &str) -> bool {
        match &self.open {
            Open::Key => {
                if line.contains("-----END") {
                    self.open = Open::Nothing;
                }
                return true;
            }
            Open::Public if is_base64(line.trim()) => return false,
            Open::Input(end) => {
                let is_end = line.trim() == end;
                if is_end {
                    self.open = Open::Nothing;
                }
                return !is_end;
            }
            Open::Element(end) => {
                if line.contains(end.as_str()) {
                    self.open = Open::Nothing;
                }
                return true;
            }
            Open::Value(_) | Open::Below(_) if line.trim().is_empty() => return false,
            Open::Value(column) if indent(line) > *column => return true,
            Open::Below(column) if indent(line) > *column && pair::is_lone(line) => {
                self.open = Open::Value(*column);
                return true;
            }
            _ => {}
        }
        self.open = Open::Nothing;
        self.fresh(line)
    }

    /// What a line is, and what it opens: a certificate or an element may begin in it
    /// behind something else.
    fn fresh(&mut self, line: &str) -> bool {
        if shape::is_private_key(line) {
            if line.contains("-----BEGIN") && !line.contains("-----END") {
                self.open = Open::Key;
            }
            return true;
        }
        if line.contains("-----BEGIN ") && !line.contains("-----END") {
            let before = line.split("-----BEGIN ").next().unwrap_or_default();
            let is_secret = self.judged(before);
            self.open = Open::Public;
            return is_secret;
        }
        self.judged(line)
    }

    fn judged(&mut self, line: &str) -> bool {
        if let Some(end) = command::input_with_secret(line) {
            self.open = Open::Input(end.to_owned());
            return true;
        }
        let element = markup::open_element(line);
        let is_secret = self.told(line);
        if let Some(end) = element {
            self.open = Open::Element(end);
        }
        is_secret
    }

    fn told(&mut self, line: &str) -> bool {
        let is_told = shape::has_secret(line) || markup::has_secret(line);
        match pair::secret_pair(line) {
            Some(Pair::Value(column)) => self.open = Open::Value(column),
            Some(Pair::Beside) => {}
            Some(Pair::Open(column)) => {
                self.open = Open::Below(column);
                return is_told;
            }
            None => {
                return is_told
                    || command::is_secret(line, self.is_netrc)
                    || directive::is_secret(line);
            }
        }
        true
    }
}

fn is_base64(line: &str) -> bool {
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    !line.is_empty() && line.bytes().all(is_one)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_none_whatever_they_look_like() {
        let text = "-----BEGIN CERTIFICATE-----\nMIIBkTCB+wIJAK\nabcPw==\npw=Zq7Hunter2\n\
                    -----END CERTIFICATE-----\npassword=Zq7Hunter2\n";
        assert_eq!(secret_lines(text), [false, false, false, false, false, true]);
        for before in [
            "setup --password S --ca \"",
            "REG_PASSWORD=S CA=\"",
            "{\"password\": \"S\", \"ca\": \"",
        ] {
            let text = format!(
                "{before}-----BEGIN CERTIFICATE-----\nMIIBkTCB+wIJAK\n-----END CERTIFICATE-----\"\n"
            );
            assert_eq!(secret_lines(&text), [true, false, false], "{text}");
        }
        let key = "ca: \"-----BEGIN CERTIFICATE-----\nMIIBkTCB+wIJAK\n";
        assert_eq!(secret_lines(key), [false, false]);
        assert_eq!(secret_lines("<password a=\"TOKEN=S\">\nx\n</password>\n"), [true, true, true]);
        // What comes behind one that doesn't end is looked at.
        let cut = "-----BEGIN CERTIFICATE-----\nMIIBkTCB+wIJAK\npassword: Zq7Hunter2\n";
        assert_eq!(secret_lines(cut), [false, false, true]);
        let key = "-----BEGIN PRIVATE KEY-----\nMIIBkTCB+wIJAK\n-----END PRIVATE KEY-----\n";
        assert_eq!(secret_lines(key), [true; 3]);
    }

    #[test]
    fn secrets_are_told_from_other_lines() {
        for text in [
            "password: x",
            "  \"auth\": \"eA==\",",
            "API_TOKEN=abc",
            "{auth: {password: p}}",
            "password: \"$ecret\"",
            "password: $ecret",
            "PASSWORD=$ecret",
            "PASSWORD=\"$SECRET\"",
            "password = \"{a\"",
            "password = \"[a\"",
            "password: \", a\"",
            "password: ;a",
            "password=&a",
            "password:\n  a",
            "password:\n\n  \"a: b\"",
            "x: {username: u, password: \"{\"}",
            "{\\\"auth\\\": \\\"x\\\"}",
            "//registry.local/:_authToken=abc",
            "spring.datasource.password=abc",
            "client-key-data: QUJD",
            "Authorization: Bearer abc",
            "root:$6$salt.salt$hash:19000:0:::::",
            "machine h login u password x",
            "machine h\n  login u\n  password x",
            "docker login reg.local -u me -p x",
            "podman login -px reg.local",
            "k3s agent --token x",
            "echo root:x | chpasswd",
            "echo 'root:x' | sudo chpasswd -e",
            "chpasswd <<EOF\nroot:x\nEOF",
            "curl -u me:x https://reg.local",
            "skopeo copy --src-creds me:x docker://a dir:b",
            "echo x | passwd --stdin root",
            "echo x | docker login -u me --password-stdin",
            "AWS_SECRET_ACCESS_KEY=wJalrXUt",
            "curl -H \"Authorization: Bearer X\" https://a",
            "curl -H 'PRIVATE-TOKEN: x' https://a",
            "curl --oauth2-bearer abc https://a",
            "export MYPASS=x",
            "mysql -uroot -px db",
            "mysqldump --password=x db",
            "htpasswd -b /etc/x user pw",
            "htpasswd -nbB user pw",
            "tailscale up --authkey x",
            "openssl rsa -in a -passin pass:x",
            "openssl enc -aes-256-cbc -k x",
            "openssl passwd -6 -salt ab x",
            "nmcli dev wifi connect net password x",
            "nmcli con modify net wifi-sec.psk x",
            "wpa_passphrase net x > /etc/wpa.conf",
            "ipmitool -H h -U u -P x power on",
            "ipmitool user set password 2 x",
            "snap login --pass x me",
            "pro attach C1234",
            "ssh-keygen -t ed25519 -N x -f a",
            "redis-cli -a x ping",
            "smbclient //h/x -U u%x",
            "aws configure set aws_secret_access_key x",
            "vault login x",
            "etcdctl --user root:x get y",
            "sqlcmd -U sa -P x",
            "k3s agent -t x",
            "echo x | cryptsetup luksFormat /dev/sda -",
            "echo x | sudo -S ls",
            "echo 'x\\nx' | passwd root",
            "old password: X",
            "the license key: ABC",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----",
            "key=ghp_0123456789abcdefABCD",
            "see glpat-0123456789abcdefABCD",
            "xoxb-123456789012-abcdef",
            "a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc b",
            "sk-proj-0123456789abcdefABCD",
            "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYAB",
            "Bearer abc123def456",
            "x Basic dTpw",
            "echo cGFzc3dvcmQ6IGh1bnRlcjI= | base64 -d > /a",
            "curl https://a.blob.core.windows.net/x?sv=1&sig=aBcDeF12%2B3",
            "https://b.s3.amazonaws.com/k?X-Amz-Date=1&X-Amz-Signature=0123456789abcdef",
            "x\u{2028}password: y",
            "apiVersion: v1\nkind: Secret\nstringData:\n  admin: x",
            "data:\n  user: eA==\nkind: \"Secret\"\n",
            "{\"kind\":\"Secret\",\"data\":{\"a\":\"eA==\"}}",
            "env:\n- name: DB_PASSWORD\n  value: x",
            "env:\n- value: x\n  name: DB_PASSWORD",
            "[{\"name\": \"DB_PASSWORD\", \"value\": \"x\"}]",
            "env:\n- name: DB_PASSWORD\n  # of the plant\n\n  value: x",
            "env:\n- name: DB_PASSWORD # of the plant\n  value: x",
            "env:\n- value: x\n\n  # of the plant\n  name: DB_PASSWORD",
            "<add key=\"password\" value=\"x\" />",
            "<add value='x'\n  key='db.password'>",
            "<key>password</key>\n  <string>x</string>",
            "kubectl create secret generic a --from-literal=password=x",
            "kubectl create secret generic a --from-literal=admin=x",
            "kubectl create secret generic a --from-literal admin=x",
            "rocommunity x",
            "rwcommunity x 10.0.0.0/8",
            "cryptsetup luksOpen /dev/sda a <<< x",
            "cryptsetup luksOpen /dev/sda a <<<\"x\"",
            "sudo -S ls <<< 'x'",
            "<a><password>x</password></a>",
            "<password>\n  x\n</password>",
            "<apiKey id=\"1\"><![CDATA[x]]></apiKey>",
            "docker login reg.local \\\n  -u puller \\\n  -p x",
            "curl -fsSL \\\n  -u a:x \\\n  https://h",
            "k3s agent --token \\\n  x",
            "echo root:x|chpasswd",
            "sleep 1&&curl -u a:x h",
            "(curl -u a:x h)",
            "X=$(curl -u a:x h)",
            "X=`curl -u a:x h`",
            "docker login -u $(id -u) -p x",
            "bash -c \"true;curl -u a:x h\"",
            "curl -fsSLu a:x https://h",
            "curl -sfLua:x https://h",
            "curl -ku a:x https://h",
            "curl -H X-Vault-Token:x https://h",
            "curl -H 'X-JFrog-Art-Api: x' https://h",
            "docker login -u a --password-stdin h <<EOF\nx\nEOF",
            "cat > /etc/edge/password <<'EOF'\nx\nEOF",
            "echo x > /var/lib/rancher/k3s/server/token",
            "echo x | sudo tee /run/secrets/registry-password",
            "echo x | tee -a /a /etc/edge/token && true",
            "httpsProxy: bob:x@proxy:3128",
            "k3s server --datastore-endpoint=root:x@tcp(h:3306)/db",
            "auth_pass x",
            "http_passwd x",
            "Shared_Key x",
            "requirepass x",
            "password x",
            "secret \"x\";",
            "psql -c \"ALTER USER postgres WITH PASSWORD 'x'\"",
            "CREATE USER a IDENTIFIED BY 'x';",
            "stats auth admin:x",
            "createUser a SHA \"x\" AES",
            "rootpw x",
            "neighbor 10.0.0.1 password x",
            "rootpw --plaintext x",
            "wpa_cli set_network 0 psk \"x\"",
            "pw is x1",
            "mysql-server mysql-server/root_password password x",
            "echo 'a a/root_password password x' | debconf-set-selections",
            "k3s-agent agent -t x",
            "curl -sfL https://get.k3s.io | sh -s - agent --server https://a:6443 -t x",
            "REGISTRY_CREDENTIALS=u:x",
            "credentials: u:x",
            "SECRET_KEY_BASE=x",
            ": \"${REG_PASSWORD:=x}\"",
            "read -r PASSWORD <<< 'x'",
            "cd /etc/edge && echo x > token",
            "echo x | dd of=/etc/luks.key",
            "sed -i 's/^password: .*/password: x/' /etc/a",
            "sed -i -e 's|reg_password: .*|reg_password: x|' /etc/a",
            "cfg['password'] = 'x'",
            "os.environ['DB_PASSWORD'] = 'x'",
            "bindpw x",
            "rootbindpw x",
            "masterauth x",
            "user a insecure-password x",
            "key \"a\" { algorithm hmac-sha256; secret \"x\"; };",
            "mysqladmin -u root password x",
            "SET PASSWORD FOR 'root'@'localhost' = PASSWORD('x');",
            "ipa-client-install -U -p admin -w x",
            "rabbitmqctl add_user a x",
            "mc alias set m https://h user x",
            "curl --cert c.pem:x https://h",
            "docker login -p '$ECRET' h",
            "# the token is Zq7Hunter2",
            "# root pw Zq7Hunter2",
            "echo 'x' | realm join -U admin corp.example",
            "echo x | sudo realm join --user=admin corp.example",
            "echo -n 'x' | adcli join --stdin-password corp.example",
            "realm join -U admin corp.example <<< x",
            "echo x | realm leave --user=admin corp.example",
            "echo x | sudo adcli delete-computer --stdin-password a",
            "TOKEN=$(vault login -field=token x)",
            "vault kv get -field=a -token x a",
            "vault kv get -token=x a",
            "microk8s join 10.0.0.1:25000/x/abc --worker",
            "sudo microk8s.join 10.0.0.1:25000/x",
            "cloudflared service install x",
            "netbird up -k x",
            "vault kv get -token x a",
            "nomad node config -acl-token x",
            "yes 'x' | passwd edge",
            "echo $USER; echo x | passwd edge",
            "(echo x; echo x) | smbpasswd -s -a edge",
            "{ echo x; echo x; } | passwd edge",
            "for n in 1 2; do echo x; done | passwd edge",
            "echo x | podman secret create a -",
            "gpg --batch --passphrase-fd 0 -d /a <<< x",
            "mosquitto_passwd -b /etc/mosquitto/passwd user x",
            "sed -i '/^password/c\\password: x' /etc/a",
            "sed -i '/^token/c token: x' /etc/a",
            "sed -i '$a\\password: x' /etc/a",
            ": PSK \"x\"",
            "echo '10.0.0.1 : PSK \"x\"' >> /etc/ipsec.secrets",
            "1 SHA1 HEX:x",
            "ldap_default_authtok = x",
            "TOKEN=`hunter2 x`",
            "TOKEN=`echo x`",
            "PASSWORD=`cat",
            "PASSWORD=\"$(base64 -d <<<U3VwM3JTZWNyZXQ=)\"",
            "PASSWORD=\"$(tr A-Za-z N-ZA-Mn-za-m <<<Fhc3eF)\"",
            "PASSWORD=\"$(sed s/x// <<<x)\"",
            "PASSWORD=\"$(sed 's/)//' <<< x)\"",
            "PASSWORD=\"$(<<<x cat)\"",
            "PASSWORD=\"$(cat /a) x\"",
            "PASSWORD=\"${A} x\"",
            "PASSWORD=$(cat /a)-x",
            "PASSWORD=$(base64 -d <<< eA==)",
            "PASSWORD=$(base64 -d<<<eA==)",
            "PASSWORD=$(cat <<< \"$A x\")",
            "PASSWORD=$(cat <<EOF",
            "PASSWORD=`base64 -d <<< eA==`",
            "PASSWORD=\"`cat <<< x`\"",
            "PASSWORD=$(echo x)",
            "PASSWORD=$(echo eA== | base64 -d)",
            "PASSWORD=$(echo -n '|x' | tr -d x)",
            "PASSWORD=$(echo '$ecret' | base64)",
            "PASSWORD=$(printf '%s\\n' x | base64)",
            "PASSWORD=$(cat /a || echo x)",
            "PASSWORD=$(cat < <(echo x))",
            "PASSWORD=$(tr -d x < /a \"$(cat <<< x)\")",
            "PASSWORD=$(awk 'BEGIN{print \"x\"}')",
            "PASSWORD=\"`awk 'BEGIN{print 1}'`\"",
            "TOKEN=\"$(jq -rn \\\"x\\\")\"",
            "TOKEN=$(jq --null-input '\"x\"')",
            "curl -H \"Authorization: $SCHEME x\" https://a",
            "curl -H \"Authorization: Bearer $A x\" https://a",
            "curl -H \"Authorization: x $A\" https://a",
            "curl -H \"PRIVATE-TOKEN: $A x\" https://a",
            "curl -H \"PRIVATE-TOKEN: $(cat <<< x)\" https://a",
            "curl -H \"PRIVATE-TOKEN: $(cat /a) x\" https://a",
            "curl -H \"Authorization: Bearer $(base64 -d <<< eA==)\" https://a",
            "Authorization: Bearer $A x",
            "PASSWORD=${PASSWORD:-x}",
            "PASSWORD=\"${PASSWORD:-x y}\"",
            "PASSWORD=${1:-x}",
            "PASSWORD=${password:?x}",
            "PASSWORD=truex",
            "curl -H \"PRIVATE-TOKEN: $ecret\" https://a",
            "curl -H \"PRIVATE-TOKEN: $TOKEN\" -H \"X-Auth-Token: x\" https://a",
            // passphrase: lätin, in base64
            "cGFzc3BocmFzZTogbOR0aW4=",
        ] {
            assert!(has_secret_line(text), "{text}");
        }
        for text in [
            "password:",
            "password: \"\"",
            "auth: {username: u, password: ''}",
            "auth: {",
            "\"secret\": {\"secretName\": \"a\"}",
            "secret:\n  secretName: a",
            "authorization:\n  mode: Webhook",
            "see https://x/token: y",
            "https://a/x?sigma=12345678&signed=12345678",
            "author: me",
            "a",
            "TOKEN=$TOKEN ./join",
            "TOKEN=${TOKEN}",
            "password: ${PASSWORD}",
            "TOKEN=$(cat /run/token)",
            "k3s agent --token $TOKEN --server https://a",
            "docker login --password-stdin < /run/x",
            "echo $PASSWORD | docker login --password-stdin",
            "docker run -p 80:80 -u 1000:1000 nginx",
            "mkdir -p /a && curl -u $USER:$PASS https://a",
            "chpasswd -e < /run/x",
            "if [ -z \"$TOKEN\" ]; then exit 1; fi",
            "a password protected page",
            "mysql -h db -P 3306 -p",
            "openssl req -newkey rsa:2048 -keyout /a -nodes",
            "openssl passwd -6 -stdin < /run/x",
            "nmcli con show",
            "vault login -method=oidc",
            "smbclient -U u //h/x",
            "aws s3 ls",
            "htpasswd -c /etc/x user",
            "tailscale up --authkey $AUTHKEY",
            "read -p \"Enter password: \" PW",
            "the password: it is made by the server",
            "bearer authentication is used",
            "ghp_short",
            "ssh-keygen -t ed25519 -N '' -f a",
            "kubeadm join h --discovery-token-ca-cert-hash sha256:0a",
            "keyboard: {layout: de}",
            "publicKey: abc",
            "ssh_pwauth: true",
            "/usr/share/keyrings/kubernetes-archive-keyring",
            "PWD=/root",
            "kind: Secret\nmetadata: {name: a}",
            "kind: SecretStore\ndata: {a: b}",
            "- name: A\n  value: x\n- name: DB_PASSWORD\n  valueFrom: {secretKeyRef: {name: a}}",
            "- name: DB_PASSWORD\n  value: \"\"\n",
            "usage: join <token> <password>",
            "<password></password><token/><user>x</user>",
            "<add key=\"user\" value=\"x\"><add key=\"password\" value=\"\">",
            "<key>user</key>\n<string>x</string>",
            "<password <a>x</a>",
            "<key>password</key>\n<string>$PASSWORD</string>",
            "env:\n- name: DB_PASSWORD\n- name: B\n  # c\n  value: x",
            "kubectl create configmap a --from-literal=admin=x",
            "kubectl create secret generic a --from-literal=admin=$ADMIN",
            "the rocommunity is set below",
            "cryptsetup luksOpen /dev/sda a <<< $KEY",
            "cryptsetup luksDump /dev/sda",
            "cat <<< x",
            "secretName: a",
            "docker login \\\n  --password-stdin < /run/x",
            "X=$(curl -u $U:$P h)",
            "docker login -p $(cat /run/x) h",
            "docker login -p `cat /run/x` h",
            "docker login -p $(cat a b) -u c 2>&1",
            "curl -fsSL -o /a https://h",
            "curl -H Accept:x https://h",
            "cat > /etc/edge/name <<EOF\nx\nEOF",
            "echo $TOKEN > /var/lib/rancher/k3s/server/token",
            "cat /a > /etc/edge/password",
            "reg.local/a:1@sha256:0123",
            "mailto:ops@example.com",
            "git@h:a/b",
            "auth SHA256",
            "passwd -l root",
            "password is required",
            "a token ring",
            "PermitEmptyPasswords no",
            "edge ALL=(ALL) NOPASSWD: ALL",
            "edge ALL=(ALL) NOPASSWD:ALL",
            "proxy_pass http://a;",
            "TOKEN=\"$(cat /run/token)\"",
            "TOKEN=`curl -sX PUT \"http://169.254.169.254/latest/api/token\" -H \"X-aws-ec2-metadata-token-ttl-seconds: 60\"`",
            "TOKEN=\"`openssl rand -hex 16`\"",
            "TOKEN=`/usr/bin/make-token`",
            "TOKEN=$(echo \"$RESPONSE\" | jq -r .token)",
            "TOKEN=$(jq -r .token <<< \"$response\")",
            "TOKEN=\"$(jq -r '.a[] | select(.b == \"c\")' /a)\"",
            "TOKEN=$(kubectl get secret a -n edge -o json | jq -r .data.token)",
            "AUTH=$(printf '%s:%s' \"$U\" \"${P}\" | base64 -w0)",
            "AUTH=$(echo -n \"puller:$PASSWORD\" | base64)",
            "TOKEN=$(echo \"$(cat /a)\" | tr -d x)",
            "TOKEN=$(cat <<< \"$(cat /a)\")",
            "TOKEN=$(cat /run/token 2>/dev/null || echo \"\")",
            "TOKEN=$(cat /a); echo x",
            "AUTH=$(cat /a):$(cat /b)",
            "TOKEN=\"$(< /run/token)\"",
            "TOKEN=$(curl -s https://a |",
            "TOKEN=$(cat /a); cat <<EOF\nx\nEOF",
            "curl -H \"Authorization: token $TOKEN\" https://a",
            "curl -H \"Authorization: $SCHEME $TOKEN\" https://a",
            "curl -H \"X-Vault-Token: $(cat /run/token)\" https://a",
            "curl -H \"Authorization: Bearer $(cat /run/token)\" https://a",
            "{Authorization: Bearer $TOKEN, a: b}",
            "echo $PW | realm join -U admin corp.example",
            "realm join -U admin corp.example",
            "echo y | realm leave corp.example",
            "realm leave corp.example <<< y",
            "echo y | realm leave corp.example && id -U",
            "vault kv get -field=password secret/edge/registry",
            "vault read -field=token auth/approle/login",
            "TOKEN=$(vault kv get -field=token secret/edge)",
            "TOKEN=\"$(vault kv get -field=token secret/edge)\"",
            "vault login -method=userpass username=edge",
            "vault login -method=oidc role=edge",
            "echo joining && realm list | grep corp.example",
            "microk8s join $ADDRESS",
            "microk8s join 10.0.0.1:25000/$TOKEN/$HASH",
            "easyrsa build-ca -nopass -batch",
            "microk8s status --wait-ready",
            "cloudflared service install",
            "cloudflared service install $TOKEN",
            "netbird up -k $KEY",
            "vault kv get -token $TOKEN a",
            "keytool -storepass file:/run/x",
            "tar -cookie",
            "yes | apt-get install x",
            "yes $PW | passwd edge",
            "echo ok && echo $PW | passwd edge",
            "echo $PW | passwd edge && echo done",
            "sed -i '/^password/c\\password: ${PW}' /etc/a",
            "sed -i '/^name/c\\name: x' /etc/a",
            "sed -i '/password/d' /etc/a",
            "a: PSK",
            "1 SHA1 x",
            "wg genkey | tee /etc/wireguard/a | wg pubkey",
            "curl -s -H \"X-aws-ec2-metadata-token: $TOKEN\" http://169.254.169.254/latest/meta-data/",
            "curl --header \"PRIVATE-TOKEN: ${TOKEN}\" https://a",
            "PASSWORD=\"${PASSWORD:?set PASSWORD}\"",
            "PASSWORD=${PASSWORD:?}",
            "PASSWORD=${PASSWORD:-}",
            "PASSWORD=\"${1:-}\"",
            "PASSWORD=${1:-$PW}",
            "docker login -p \"${PASSWORD:?set PASSWORD}\" h",
            "- enable-bootstrap-token-auth=true",
            "auth:\n  existingSecret: edge-db",
            "helm install a b --set auth.existingSecret=edge-db",
            "PASSWORD=$1",
            "PASSWORD=\"${PASSWORD}\"",
            "Authorization: Bearer $TOKEN",
            "curl -H \"Authorization: Bearer $TOKEN\" https://a",
            "automountServiceAccountToken: false",
            "usermod -p '!' root",
            "# the token is made by the server",
            "# token rotation, see docs",
            "echo x > name",
            "echo x | tee /a && rm /etc/edge/token",
            "echo x | tee /a; cat /etc/edge/token",
            "sed -i 's/a/b/' /etc/a",
            "login: https://a",
            "${TOKEN:-}",
        ] {
            assert!(!has_secret_line(text), "{text}");
        }
    }

    #[test]
    fn keys_that_are_secrets_are_not_shown() {
        for key in [
            "root:S",
            "password S",
            "token S x",
            "K3S_TOKEN=S",
            "x password: S",
            "https://a:S@reg.local",
            "ghp_0123456789abcdefABCD",
        ] {
            assert_eq!(shown_key(key), "…", "{key}");
        }
        for key in [
            "password",
            "reg.local:5000",
            "https://reg.local",
            "hostname",
            "a b",
            "80:80",
            "users:- name",
            "users: name",
            "TOKEN=",
            "password:",
        ] {
            assert_eq!(shown_key(key), key);
        }
    }

    /// Each word is looked at once: this takes minutes otherwise.
    #[test]
    fn long_lines_of_commands_are_read_through() {
        for text in ["echo x | tee /y && ", "tee ", "sudo tee /a > /b; "] {
            assert!(!has_secret_line(&text.repeat(20_000)), "{text}");
        }
    }

    /// Each value is read to the end of its command: this takes minutes otherwise.
    #[test]
    fn long_lines_of_outputs_are_read_through() {
        for (text, is_secret) in [
            ("PASSWORD=$(", true),
            ("PASSWORD=$(cat /a) ", false),
            ("PASSWORD=$(PASSWORD=$(cat /a)) ", false),
            ("PASSWORD=`cat /a` ", false),
        ] {
            assert_eq!(has_secret_line(&text.repeat(20_000)), is_secret, "{text}");
        }
    }

    #[test]
    fn input_of_what_prints_a_secret_is_one() {
        let text = "export PASSWORD=\"$(cat <<EOF\nx\nEOF\n)\"\n";
        assert_eq!(secret_lines(text), [true, true, false, false]);
    }

    #[test]
    fn all_lines_of_a_secret_are_known() {
        let text = "a: 1\npassword: |\n  x\n\n  y\nb: 2\n-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\nc\n";
        let expected = [false, true, true, false, true, false, true, true, true, false];
        assert_eq!(secret_lines(text), expected);
    }
}
