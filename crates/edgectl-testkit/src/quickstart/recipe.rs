//! What the images of the quickstart are made of. All of it is data; its text
//! is part of the cache's key.

/// The distribution that all packages come from.
pub(super) const SUITE: &str = "bookworm";
/// Time of everything in the images (2023-06-10, the suite's release), so
/// that the same packages give the same bytes.
pub(super) const EPOCH: u64 = 1_686_355_200;
/// The same, as image configurations have it.
pub(super) const CREATED: &str = "2023-06-10T00:00:00Z";
/// The provider image; it is made in another way than the rest.
pub(super) const OS_IMAGE: &str = "quay.io/edge-demo/provider-debian:12.0-v1";

/// Packages for amd64. Their dependencies come along; of all of it only what
/// a recipe keeps, and the libraries that needs, goes into an image.
pub(super) const PACKAGES: &[&str] = &[
    "busybox-static",
    "containernetworking-plugins",
    "etcd-server",
    "libc6",
    "libcrypt1",
    "libssl3",
    "memcached",
    "nginx-light",
    "prometheus-node-exporter",
    "redis-server",
    "zlib1g",
];
/// Packages for the other architecture of the images that have two.
pub(super) const FOREIGN_PACKAGES: &[&str] = &["busybox-static"];

/// One layer.
#[derive(Debug)]
pub(super) struct LayerRecipe {
    /// Layers of one name are one layer.
    pub(super) name: &'static str,
    /// Files of the packages; the libraries that they need come along.
    pub(super) keep: &'static [&'static str],
    /// Texts: path, mode, content.
    pub(super) texts: &'static [(&'static str, u32, &'static str)],
    /// Symbolic links: names, and what all of them point to.
    pub(super) links: (&'static [&'static str], &'static str),
    /// Empty directories.
    pub(super) directories: &'static [&'static str],
}

const EMPTY: LayerRecipe =
    LayerRecipe { name: "", keep: &[], texts: &[], links: (&[], ""), directories: &[] };

/// One image.
#[derive(Debug)]
pub(super) struct ImageRecipe {
    /// Its name, as on the internet.
    pub(super) reference: &'static str,
    /// Two architectures make an index.
    pub(super) architectures: &'static [&'static str],
    /// The lowest first.
    pub(super) layers: &'static [&'static LayerRecipe],
    /// What is run, and cannot be left out.
    pub(super) entrypoint: &'static [&'static str],
    /// What is run or given to the entry point by default.
    pub(super) command: &'static [&'static str],
}

const AMD64: &[&str] = &["amd64"];
const BOTH: &[&str] = &["amd64", "arm64"];

const PASSWD: (&str, u32, &str) = ("etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\n");
const HOSTS: (&str, u32, &str) = ("etc/hosts", 0o644, "127.0.0.1 localhost\n");
const GROUP: (&str, u32, &str) = ("etc/group", 0o644, "root:x:0:\n");

/// The libraries that nginx, redis and memcached share.
const BASE: LayerRecipe = LayerRecipe {
    name: "base",
    keep: &[
        "lib/x86_64-linux-gnu/libc.so.6",
        "lib/x86_64-linux-gnu/libcrypt.so.1",
        "lib/x86_64-linux-gnu/libm.so.6",
        "lib/x86_64-linux-gnu/libz.so.1",
        "usr/lib/x86_64-linux-gnu/libssl.so.3",
    ],
    texts: &[PASSWD, GROUP],
    directories: &["root", "run", "tmp", "var/tmp"],
    ..EMPTY
};

const BUSYBOX: LayerRecipe = LayerRecipe {
    name: "busybox",
    keep: &["bin/busybox"],
    texts: &[PASSWD, GROUP],
    links: (
        &[
            "bin/cat",
            "bin/date",
            "bin/df",
            "bin/echo",
            "bin/free",
            "bin/grep",
            "bin/hostname",
            "bin/ls",
            "bin/nslookup",
            "bin/ping",
            "bin/ps",
            "bin/sh",
            "bin/sleep",
            "bin/tail",
            "bin/top",
            "bin/uname",
            "bin/uptime",
            "bin/vi",
            "bin/wget",
        ],
        "busybox",
    ),
    directories: &["root", "tmp"],
};

/// Waits for the end, which a shell as process 1 must ask for: without the
/// trap TERM would be ignored.
const PAUSE: LayerRecipe = LayerRecipe {
    name: "pause",
    texts: &[(
        "pause",
        0o755,
        "#!/bin/sh\ntrap 'exit 0' TERM INT\nwhile :; do\n\tsleep 86400 &\n\twait $!\ndone\n",
    )],
    ..EMPTY
};

const REPORT: LayerRecipe = LayerRecipe {
    name: "report",
    texts: &[(
        "report",
        0o755,
        "#!/bin/sh\n# What a site says of itself once an hour.\ndate -u\nuname -a\nuptime\nfree\ndf\n",
    )],
    ..EMPTY
};

const NGINX: LayerRecipe = LayerRecipe {
    name: "nginx",
    keep: &["usr/sbin/nginx"],
    texts: &[
        ("etc/nginx/nginx.conf", 0o644, NGINX_CONF),
        ("usr/share/nginx/html/index.html", 0o644, "<!doctype html><title>edge</title>It works.\n"),
    ],
    directories: &["var/lib/nginx", "var/log/nginx"],
    ..EMPTY
};

/// No user but root and no name that would have to be looked up.
const NGINX_CONF: &str = "user root;
worker_processes 1;
daemon off;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events { worker_connections 128; }
http {
	access_log /dev/stdout;
	default_type text/html;
	server {
		listen 80;
		root /usr/share/nginx/html;
	}
}
";

const REDIS: LayerRecipe = LayerRecipe {
    name: "redis",
    keep: &["usr/bin/redis-server", "usr/bin/redis-cli"],
    directories: &["data"],
    ..EMPTY
};

const MEMCACHED: LayerRecipe =
    LayerRecipe { name: "memcached", keep: &["usr/bin/memcached"], ..EMPTY };

const ETCD: LayerRecipe = LayerRecipe {
    name: "etcd",
    keep: &["usr/bin/etcd"],
    texts: &[PASSWD, GROUP, HOSTS],
    directories: &["tmp", "var/lib/etcd"],
    ..EMPTY
};

const CNI: LayerRecipe = LayerRecipe {
    name: "cni",
    keep: &[
        "usr/lib/cni/bridge",
        "usr/lib/cni/host-local",
        "usr/lib/cni/loopback",
        "usr/lib/cni/portmap",
    ],
    ..EMPTY
};

const NODE_EXPORTER: LayerRecipe = LayerRecipe {
    name: "node-exporter",
    keep: &["usr/bin/prometheus-node-exporter"],
    texts: &[PASSWD, GROUP, HOSTS],
    ..EMPTY
};

/// All images but the provider image.
pub(super) const IMAGES: &[ImageRecipe] = &[
    ImageRecipe {
        reference: "registry.k8s.io/pause:3.9",
        architectures: BOTH,
        layers: &[&BUSYBOX, &PAUSE],
        entrypoint: &["/pause"],
        command: &[],
    },
    ImageRecipe {
        reference: "docker.io/library/busybox:1.35",
        architectures: BOTH,
        layers: &[&BUSYBOX],
        entrypoint: &[],
        command: &["sh"],
    },
    ImageRecipe {
        reference: "ghcr.io/edge-demo/site-report:1.0",
        architectures: AMD64,
        layers: &[&BUSYBOX, &REPORT],
        entrypoint: &["/report"],
        command: &[],
    },
    ImageRecipe {
        reference: "docker.io/library/nginx:1.22",
        architectures: AMD64,
        layers: &[&BASE, &NGINX],
        entrypoint: &["/usr/sbin/nginx"],
        command: &[],
    },
    ImageRecipe {
        reference: "docker.io/library/redis:7.0",
        architectures: AMD64,
        layers: &[&BASE, &REDIS],
        entrypoint: &["/usr/bin/redis-server", "--dir", "/data"],
        command: &[],
    },
    ImageRecipe {
        reference: "docker.io/library/memcached:1.6",
        architectures: AMD64,
        layers: &[&BASE, &MEMCACHED],
        entrypoint: &["/usr/bin/memcached", "-u", "root"],
        command: &[],
    },
    ImageRecipe {
        reference: "quay.io/coreos/etcd:v3.4.23",
        architectures: AMD64,
        layers: &[&ETCD],
        entrypoint: &["/usr/bin/etcd"],
        command: &["--data-dir", "/var/lib/etcd"],
    },
    ImageRecipe {
        reference: "ghcr.io/k8snetworkplumbingwg/cni-plugins:v1.1.1",
        architectures: AMD64,
        layers: &[&CNI],
        entrypoint: &["/usr/lib/cni/loopback"],
        command: &[],
    },
    ImageRecipe {
        reference: "quay.io/prometheus/node-exporter:v1.5.0",
        architectures: AMD64,
        layers: &[&NODE_EXPORTER],
        entrypoint: &["/usr/bin/prometheus-node-exporter"],
        command: &[],
    },
];
