#!/bin/sh
# Install the portal's systemd units on this host. Run it as root from a checkout in /opt/portal, after
# `make install`. It may be run again: it replaces the units, and keeps settings and secrets.
#
#   deploy/systemd/install.sh [--root DIR]     --root: a mounted root file system instead of this one
set -eu

root=""
if [ "${1:-}" = --root ]; then root=$2; fi
here=$(cd "$(dirname "$0")" && pwd)
python=$root/opt/portal/.venv/bin/python
credentials=$root/etc/portal/credentials

if [ ! -x "$python" ]; then
  echo "$python does not exist. Check the portal out to /opt/portal and run 'make install' there." >&2
  exit 1
fi

install -D -m 0644 "$here/portal.sysusers" "$root/usr/lib/sysusers.d/portal.conf"
systemd-sysusers ${root:+--root="$root"} portal.conf

install -d -m 0755 "$root/etc/systemd/system/portal-.service.d"
install -m 0644 "$here"/portal-*.service "$root/etc/systemd/system/"
install -m 0644 "$here/portal-.service.d/common.conf" "$root/etc/systemd/system/portal-.service.d/"

install -D -m 0755 "$here/portal-manage" "$root/usr/local/sbin/portal-manage"

install -d -m 0750 "$root/etc/portal"
if [ ! -e "$root/etc/portal/portal.env" ]; then
  install -m 0640 "$here/portal.env" "$root/etc/portal/"
fi

# systemd reads the credentials as root, and shows each unit its own copy.
install -d -m 0700 "$credentials"
umask 077
generate() {
  if [ ! -s "$credentials/$1" ]; then head -c "$2" /dev/urandom | base64 | tr '+/' '-_' > "$credentials/$1"; fi
}
generate SECRET_KEY 48
generate FIELD_ENCRYPTION_KEYS 32 # a Fernet key
for name in DATABASE_URL CELERY_BROKER_URL; do
  if [ ! -e "$credentials/$name" ]; then : > "$credentials/$name"; fi
done

if [ -z "$root" ]; then systemctl daemon-reload; fi
cat <<END
Installed. Next:

1. Write the URL of PostgreSQL into $credentials/DATABASE_URL,
   and that of Redis into $credentials/CELERY_BROKER_URL.
2. Set PORTAL_BASE_URL in $root/etc/portal/portal.env.
3. On a second host, copy $credentials/ from the first: all hosts need the same secrets. Keep a backup of them.
4. systemctl enable --now portal-web portal-scheduler portal-worker@1
END
