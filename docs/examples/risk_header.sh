#!/bin/sh
# Send one request with a signed risk header: curl and openssl. While openssl runs, the key shows in
# the list of processes, so try this on a machine of your own.
set -eu

path=/v1/chat/completions
now=$(date +%s)
credential=$(printf %s "$API_KEY" | openssl dgst -sha256 -binary | openssl base64 -A)
risk="account=\"acct-17\", score=0.87, issued=$now, ttl=300, credential=:$credential:"
params="(\"guilloche-risk\" \"@method\" \"@path\");created=$now;expires=$((now + 60))"
params="$params;keyid=\"2026-11\";tag=\"guilloche-risk\""
signature=$(printf '"guilloche-risk": %s\n"@method": POST\n"@path": %s\n"@signature-params": %s' \
    "$risk" "$path" "$params" |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$RISK_KEY" -binary | openssl base64 -A)

curl --silent --show-error --fail --max-time 60 \
    -H "guilloche-risk: $risk" \
    -H "signature-input: guilloche=$params" \
    -H "signature: guilloche=:$signature:" \
    -H "authorization: Bearer $API_KEY" \
    -H "content-type: application/json" \
    -d '{"model": "teacher-large", "messages": [{"role": "user", "content": "What is 2 + 3?"}]}' \
    "$GUILLOCHE_URL$path"
