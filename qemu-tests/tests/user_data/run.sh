# Runs as the first process of a machine, in the reference system: cloud-init
# on each seed of /run/seeds, each in a root of its own, as at a first start.
# What it has written goes to the console: @@SEED|MODE|PATH|BASE64@@.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
dmesg --console-off # the console is for what is told
for seed in /run/seeds/*/; do
	name=$(basename "$seed")
	memory=/run/roots/$name
	mkdir -p "$memory"
	mount -t tmpfs -o mode=0755 root "$memory"
	mkdir "$memory/upper" "$memory/work" "$memory/root"
	root=$memory/root
	mount -t overlay -o "lowerdir=/run/edgectl/system,upperdir=$memory/upper,workdir=$memory/work" root "$root"
	for kernel in proc sys dev; do mount --rbind "/$kernel" "$root/$kernel"; done
	mount -t tmpfs run "$root/run"
	mkdir -p "$root/var/lib/cloud/seed/nocloud"
	cp "$seed/user-data" "$seed/meta-data" "$root/var/lib/cloud/seed/nocloud/"
	for stage in "init --local" "init"; do
		# shellcheck disable=SC2086 # two words
		chroot "$root" cloud-init $stage >"$memory/said" 2>&1 || echo "@@$name|failed|$stage|$(base64 -w0 "$memory/said")@@"
	done
	for path in $(cat "$seed/paths"); do
		# Links in there lead to places in there.
		if chroot "$root" test -f "$path"; then
			echo "@@$name|$(chroot "$root" stat -L -c %a "$path")|$path|$(chroot "$root" base64 -w0 "$path")@@"
		fi
	done
done
echo "@@done@@"
sync
echo o >/proc/sysrq-trigger
sleep 60
