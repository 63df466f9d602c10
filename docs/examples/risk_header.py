"""Send one request with a signed risk header. Python 3.8 or later, standard library only."""
import base64, hashlib, hmac, os, time, urllib.request


def risk_headers(key, key_id, method, path, api_key, account, score, ttl=300):
    now = int(time.time())
    credential = base64.b64encode(hashlib.sha256(api_key.encode()).digest()).decode()
    quoted = account.replace("\\", "\\\\").replace('"', '\\"')
    risk = f'account="{quoted}", score={score:.3f}, issued={now}, ttl={ttl}, credential=:{credential}:'
    params = (
        '("guilloche-risk" "@method" "@path")'
        f';created={now};expires={now + 60};keyid="{key_id}";tag="guilloche-risk"'
    )
    base = f'"guilloche-risk": {risk}\n"@method": {method}\n"@path": {path}\n"@signature-params": {params}'
    signature = base64.b64encode(hmac.new(key, base.encode(), hashlib.sha256).digest()).decode()
    return {
        "guilloche-risk": risk,
        "signature-input": f"guilloche={params}",
        "signature": f"guilloche=:{signature}:",
    }


key, api_key = bytes.fromhex(os.environ["RISK_KEY"]), os.environ["API_KEY"]
path = "/v1/chat/completions"
headers = risk_headers(key, "2026-11", "POST", path, api_key, account="acct-17", score=0.87)
headers.update({"authorization": f"Bearer {api_key}", "content-type": "application/json"})
body = b'{"model": "teacher-large", "messages": [{"role": "user", "content": "What is 2 + 3?"}]}'
request = urllib.request.Request(os.environ["GUILLOCHE_URL"] + path, body, headers, method="POST")
print(urllib.request.urlopen(request, timeout=60).read().decode())
