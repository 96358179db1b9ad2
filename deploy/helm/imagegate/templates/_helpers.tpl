{{/* Names. A release named `imagegate` gets the names of the plain manifests. */}}
{{- define "imagegate.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains "imagegate" .Release.Name -}}
{{ printf "%s-webhook" (.Release.Name | trunc 42 | trimSuffix "-") }}
{{- else -}}
{{ printf "%s-imagegate-webhook" (.Release.Name | trunc 32 | trimSuffix "-") }}
{{- end -}}
{{- end }}

{{/* One cluster needs one gate: a second installation by other means is stopped by the name. */}}
{{- define "imagegate.webhookName" -}}
{{- $name := include "imagegate.fullname" . -}}
{{ eq $name "imagegate-webhook" | ternary "com.imagegate.webhook" $name }}
{{- end }}

{{- define "imagegate.configMapName" -}}
{{ .Values.existingConfigMap | default (printf "%s-config" (include "imagegate.fullname" .)) }}
{{- end }}

{{- define "imagegate.secretName" -}}
{{- if eq .Values.tls.mode "existingSecret" -}}
{{ .Values.tls.existingSecret.name }}
{{- else -}}
{{ include "imagegate.fullname" . }}-certificates
{{- end -}}
{{- end }}

{{- define "imagegate.dnsName" -}}
{{ include "imagegate.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "imagegate.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* What selects the Pods. Can never change, so nothing that a value sets is in it. */}}
{{- define "imagegate.selector" -}}
app.kubernetes.io/name: imagegate
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end }}

{{/* The labels of an object: dict "root" $ "component" "…" */}}
{{- define "imagegate.labels" -}}
app.kubernetes.io/name: imagegate
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* How many replicas there are at least. */}}
{{- define "imagegate.atLeast" -}}
{{ ternary .Values.autoscaling.minReplicas .Values.replicas .Values.autoscaling.enabled }}
{{- end }}

{{/* The ConfigMap with the client CA; empty where nobody is asked for a certificate. */}}
{{- define "imagegate.clientCAConfigMap" -}}
{{- if .Values.clientCA.existingConfigMap -}}
{{ .Values.clientCA.existingConfigMap }}
{{- else if .Values.clientCA.pem -}}
{{ include "imagegate.fullname" . }}-client-ca
{{- end -}}
{{- end }}

{{/* Whether the API server is to evaluate conditions: `true` or empty. */}}
{{- define "imagegate.matchConditions" -}}
{{- $wanted := .Values.webhook.matchConditions.unchanged -}}
{{- if or (eq $wanted "always") (and (eq $wanted "auto") (semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version)) -}}
true
{{- end -}}
{{- end }}

{{/* Whether the API server is to skip updates that change no image: `true` or empty. */}}
{{- define "imagegate.imagesChanged" -}}
{{- $all := eq "all" (.Values.policy.updates | default "changed") -}}
{{- range .Values.policy.overrides -}}
{{- $all = or $all (eq "all" (.updates | default "changed")) -}}
{{- end -}}
{{- if not $all -}}
{{ include "imagegate.matchConditions" . }}
{{- end -}}
{{- end }}

{{/* What the schema cannot say. */}}
{{- define "imagegate.check" -}}
{{- if and .Values.policy .Values.simple -}}
{{- fail "policy and simple: only one form of the policy can be in force; leave the other one out" -}}
{{- end -}}
{{- if and .Values.existingConfigMap (or .Values.policy .Values.simple .Values.candidate) -}}
{{- fail "existingConfigMap: the policy is in that ConfigMap; leave policy, simple and candidate out" -}}
{{- end -}}
{{- if eq .Values.tls.mode "existingSecret" -}}
{{- if not .Values.tls.existingSecret.name -}}
{{- fail "tls.existingSecret.name: which Secret holds the pair?" -}}
{{- end -}}
{{- if not (or .Values.tls.existingSecret.caBundle .Values.webhook.annotations) -}}
{{- fail "tls.existingSecret.caBundle: without the CA (or an annotation by which cainjector fills it in) the API server trusts no replica, and every Pod is refused" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.clientCA.pem .Values.clientCA.existingConfigMap -}}
{{- fail "clientCA: pem and existingConfigMap exclude one another" -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.service.enabled) -}}
{{- fail "metrics.serviceMonitor: there is nothing to monitor without metrics.service" -}}
{{- end -}}
{{- $names := list -}}
{{- range .Values.policy.overrides -}}{{- $names = append $names .name -}}{{- end -}}
{{- $seen := list -}}
{{- range .Values.webhook.overrides -}}
{{- if has .name $seen -}}
{{- fail (printf "webhook.overrides: %q is there twice; put the label's values in one list" .name) -}}
{{- end -}}
{{- $seen = append $seen .name -}}
{{- if and (not $.Values.existingConfigMap) (not (has .name $names)) -}}
{{- fail (printf "webhook.overrides: the policy has no override %q, so every Pod sent there would be refused" .name) -}}
{{- end -}}
{{- end -}}
{{- end }}
