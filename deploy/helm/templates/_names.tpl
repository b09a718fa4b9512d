{{- define "relay.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "relay.sendRate" -}}
{{- if .Values.sendQuota }}{{ divf .Values.sendQuota .Values.replicas.max }}{{ end }}
{{- end }}
