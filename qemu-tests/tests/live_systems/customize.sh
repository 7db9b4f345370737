#!/bin/sh
# Run by mmdebstrap when the packages are in place; $1 is the new root. Both
# ways to start it are made: live-boot's in its place, dracut's beside it.
set -eu
root=$1
here=$(dirname "$0")

cp "$here/tell.service" "$root/etc/systemd/system/"
cp "$here/tell" "$root/usr/local/bin/"
chmod 755 "$root/usr/local/bin/tell"
chroot "$root" systemctl enable tell.service
chroot "$root" systemctl mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
	fstrim.timer dpkg-db-backup.timer
echo 'datasource_list: [NoCloud, None]' >"$root/etc/cloud/cloud.cfg.d/90-tests.cfg"
chroot "$root" update-initramfs -u
kernel=$(ls "$root/lib/modules")
chroot "$root" dracut --quiet --no-hostonly --kver "$kernel" \
	--add "dmsquash-live livenet network-legacy" --add-drivers "squashfs isofs overlay loop sr_mod" /boot/dracut.img
: >"$root/etc/machine-id"
: >"$root/etc/fstab"
echo live >"$root/etc/hostname"
