#!/bin/sh
# Makes the passwords of compose.yaml at its first start. Usage: compose-secrets.sh [FOLDER]
set -eu
folder=${1:-/secrets}
if [ -e "$folder/parlour" ]; then exit 0; fi

# 64 hexadecimal digits: nothing in them needs quoting in a URL or a shell.
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
postgres=$(random) redis=$(random) key=$(random) secret=$(random)

# The services run as different users, so all may read; the volume is mounted by nobody else.
umask 022
printf %s "$postgres" >"$folder/postgres"
printf %s "$redis" >"$folder/redis"
cat >"$folder/s3" <<EOF
AWS_ACCESS_KEY_ID=parlour
AWS_SECRET_ACCESS_KEY=$key
EOF
# \${NAME:-value}: what the environment (.env) says wins.
cat >"$folder/parlour.new" <<EOF
SECRET_KEY=\${SECRET_KEY:-$secret}
DATABASE_URL=\${DATABASE_URL:-postgres://parlour:$postgres@postgres/parlour}
REDIS_URL=\${REDIS_URL:-redis://:$redis@redis}
if [ -z "\${BLOBS_URL:-}" ]; then
  BLOBS_URL=s3://parlour-files
  AWS_ENDPOINT_URL=http://s3:8333
  AWS_ALLOW_HTTP=true
  AWS_ACCESS_KEY_ID=parlour
  AWS_SECRET_ACCESS_KEY=$key
fi
EOF
sync
mv "$folder/parlour.new" "$folder/parlour"
