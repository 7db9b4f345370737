#!/bin/sh
# Run by mmdebstrap when the packages are in place; $1 is the new root.
set -eu
root=$1
here=$(dirname "$0")

cp -r "$here/overlay/." "$root/"
# A checkout under a strict umask must not make files that only root can read.
(cd "$here/overlay" && find . -type f) | while read -r file; do chmod go=rX "$root/$file"; done
chroot "$root" systemctl enable systemd-networkd
chroot "$root" systemctl mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
	fstrim.timer dpkg-db-backup.timer
chroot "$root" update-initramfs -u

# An image is not a machine yet: identities are made at the first start.
: >"$root/etc/machine-id"
: >"$root/etc/fstab"
echo edge >"$root/etc/hostname"
# The build machine's name servers are nobody else's business; the container
# runtime wants the file to be there.
rm -f "$root/etc/resolv.conf"
: >"$root/etc/resolv.conf"
