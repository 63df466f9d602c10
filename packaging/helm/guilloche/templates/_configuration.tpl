{{/* guilloche.toml */}}
{{- define "guilloche.configuration" -}}
{{- $keys := "/run/guilloche/keys" -}}
# Written by the chart {{ .Chart.Name }} {{ .Chart.Version }}.

[listen]
address = "0.0.0.0:8080"

[upstream]
url = {{ required "upstream.url is the inference server, as http://vllm:8000" .Values.upstream.url | toJson }}
kind = {{ .Values.upstream.kind | toJson }}

[admin]
# The probes of the kubelet come from elsewhere; who else gets here, the network policy says.
address = "0.0.0.0:8081"

[risk]
trust = {{ .Values.risk.trust | toJson }}
{{- if eq .Values.risk.trust "signature" }}
keys = [
{{- range .Values.risk.keys }}
    { id = {{ .id | toJson }}, file = {{ printf "%s/%s" $keys .file | toJson }} },
{{- end }}
]
{{- end }}

[policy]
file = "policy.toml"
history = "/var/lib/guilloche/policies"
{{- if .Values.publicKeys }}
require_signature = [{{ range $index, $name := keys .Values.publicKeys | sortAlpha }}{{ if $index }}, {{ end }}{{ $name | toJson }}{{ end }}]
{{- end }}

[secret]
key_file = {{ printf "%s/%s" $keys .Values.keys.secretFile | toJson }}

[audit]
file = "/var/lib/guilloche/audit.jsonl"
{{- if .Values.keys.marksFile }}

[marks]
keys = {{ printf "%s/%s" $keys .Values.keys.marksFile | toJson }}
ledger = "/var/lib/guilloche/mark.ledger"
{{- end }}

[reload]
poll = {{ .Values.reloadPoll | toJson }}

[shutdown]
grace = {{ .Values.shutdownGrace | toJson }}
{{- with .Values.configuration }}

{{ . }}
{{- end }}
{{- end }}
