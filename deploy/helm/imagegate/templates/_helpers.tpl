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

{{/* The ConfigMap with the policy as it is in the cluster, as JSON; `{}` without one or without a cluster. */}}
{{- define "imagegate.liveConfigMap" -}}
{{ lookup "v1" "ConfigMap" .Release.Namespace (include "imagegate.configMapName" .) | default dict | toJson }}
{{- end }}

{{/* Whether the values own the policy: `true` or empty. Otherwise the people who edit the ConfigMap do. */}}
{{- define "imagegate.valuesOwnPolicy" -}}
{{- if or .Values.policy .Values.simple -}}
true
{{- end -}}
{{- end }}

{{/* The policy after this run, as far as it is in full form and can be known, as JSON. */}}
{{- define "imagegate.policy" -}}
{{- if include "imagegate.valuesOwnPolicy" . -}}
{{ .Values.policy | toJson }}
{{- else -}}
{{- $live := include "imagegate.liveConfigMap" . | fromJson -}}
{{ dig "data" "policy.yaml" "" $live | fromYaml | toJson }}
{{- end -}}
{{- end }}

{{/* Whether the API server is to skip updates that change no image: `true` or empty. */}}
{{- define "imagegate.imagesChanged" -}}
{{- $policy := include "imagegate.policy" . | fromJson -}}
{{- $all := eq "all" ($policy.updates | default "changed" | toString) -}}
{{- range $policy.overrides -}}
{{- $all = or $all (eq "all" (.updates | default "changed" | toString)) (hasKey . "podSelector") -}}
{{- end -}}
{{- range $policy.exemptions -}}
{{- $all = or $all (hasKey . "podSelector") -}}
{{- end -}}
{{- if not $all -}}
{{ include "imagegate.matchConditions" . }}
{{- end -}}
{{- end }}

{{/*
The webhooks that judge, as JSON: which namespaces each is for, and the override that its path names, if any.
The floor has the same ones.
*/}}
{{- define "imagegate.judges" -}}
{{- $own := list (dict "key" "kubernetes.io/metadata.name" "operator" "NotIn" "values" (uniq (append .Values.webhook.excludedNamespaces .Release.Namespace))) }}
{{- if .Values.webhook.optOutLabel }}
{{- $own = append $own (dict "key" "imagegate/disable-filtering" "operator" "NotIn" "values" (list "true")) }}
{{- end }}
{{- range (dig "matchExpressions" list .Values.webhook.namespaceSelector) }}
{{- $own = append $own . }}
{{- end }}
{{- $judges := list }}
{{- $rest := $own }}
{{- range .Values.webhook.overrides }}
{{- $label := .namespaceLabel }}
{{- $judges = append $judges (dict
      "name" (printf "%s.override.imagegate.webhook" .name)
      "path" (printf "/validate/%s" .name)
      "override" .name
      "failurePolicy" (.failurePolicy | default $.Values.webhook.failurePolicy)
      "timeoutSeconds" (.timeoutSeconds | default $.Values.webhook.timeoutSeconds)
      "matchExpressions" (append $rest (dict "key" $label.key "operator" "In" "values" $label.values))) }}
{{- $rest = append $rest (dict "key" $label.key "operator" "NotIn" "values" $label.values) }}
{{- end }}
{{- $judges = prepend $judges (dict
      "name" "com.imagegate.webhook"
      "path" "/validate"
      "override" ""
      "failurePolicy" .Values.webhook.failurePolicy
      "timeoutSeconds" .Values.webhook.timeoutSeconds
      "matchExpressions" $rest) }}
{{ dict "judges" $judges | toJson }}
{{- end }}

{{/* Whether there is a cluster to ask: `true` or empty. `helm template` and Argo CD have none. */}}
{{- define "imagegate.cluster" -}}
{{- if lookup "v1" "Namespace" "" "default" -}}
true
{{- end -}}
{{- end }}

{{/*
How far the installation is:
  open     no replica was ready yet: nothing may be refused because the gate does not answer
  closing  a replica is ready, and this run makes the API server refuse what it cannot ask about,
           after it has seen that the API server reaches the gate
  closed   an earlier run did that; it stays so, whatever becomes of the replicas
With failurePolicy Ignore it stays open; that is also the way to upgrade a gate that is ready and not
reached.
*/}}
{{- define "imagegate.stage" -}}
{{- if include "imagegate.cluster" . -}}
{{- $stage := "open" -}}
{{- $deployment := lookup "apps/v1" "Deployment" .Release.Namespace (include "imagegate.fullname" .) | default dict -}}
{{- if and (ne .Values.webhook.failurePolicy "Ignore") (gt (dig "status" "readyReplicas" 0 $deployment | int) 0) -}}
{{- $stage = "closing" -}}
{{- end -}}
{{- $webhook := lookup "admissionregistration.k8s.io/v1" "ValidatingWebhookConfiguration" "" (include "imagegate.webhookName" .) | default dict -}}
{{- range $webhook.webhooks -}}
{{- if and (ne .name "reachable.imagegate.webhook") (eq .failurePolicy "Fail") -}}
{{- $stage = "closed" -}}
{{- end -}}
{{- end -}}
{{ $stage }}
{{- else -}}
{{ eq .Values.webhook.failurePolicy "Fail" | ternary "closed" "open" }}
{{- end -}}
{{- end }}

{{/* The failurePolicy of a webhook at this stage: dict "root" $ "wanted" "Fail|FailOnceReady|Ignore" */}}
{{- define "imagegate.failurePolicy" -}}
{{- if or (eq .wanted "Ignore") (eq "open" (include "imagegate.stage" .root)) -}}
Ignore
{{- else -}}
Fail
{{- end -}}
{{- end }}

{{/* What the schema cannot say. */}}
{{- define "imagegate.check" -}}
{{- if not .Values.image.repository -}}
{{- fail "image.repository: which registry has the image? The project publishes none: build it (`make image`), push it, and name it, as in --set image.repository=REGISTRY/imagegate" -}}
{{- end -}}
{{- if and .Values.policy .Values.simple -}}
{{- fail "policy and simple: only one form of the policy can be in force; leave the other one out" -}}
{{- end -}}
{{- if and .Values.existingConfigMap (or .Values.policy .Values.simple .Values.candidate) -}}
{{- fail "existingConfigMap: the policy is in that ConfigMap; leave policy, simple and candidate out" -}}
{{- end -}}
{{- if and .Values.candidate (not (include "imagegate.valuesOwnPolicy" .)) -}}
{{- fail "candidate: these values do not own the policy, so the candidate belongs into the ConfigMap too, as its key candidate.yaml; or name policy or simple beside it" -}}
{{- end -}}
{{- $live := include "imagegate.liveConfigMap" . | fromJson -}}
{{- $owner := dig "metadata" "annotations" "meta.helm.sh/release-name" "" $live -}}
{{- if and (include "imagegate.valuesOwnPolicy" .) $live (ne $owner .Release.Name) -}}
{{- fail (printf "policy: the ConfigMap %s is there already and does not belong to this release; name it in existingConfigMap, or delete it" (include "imagegate.configMapName" .)) -}}
{{- end -}}
{{- if eq .Values.tls.mode "existingSecret" -}}
{{- if not .Values.tls.existingSecret.name -}}
{{- fail "tls.existingSecret.name: which Secret holds the pair?" -}}
{{- end -}}
{{- if not (or .Values.tls.existingSecret.caBundle .Values.webhook.annotations) -}}
{{- fail "tls.existingSecret.caBundle: without the CA (or an annotation by which cainjector fills it in) the API server trusts no replica, and every Pod is refused" -}}
{{- end -}}
{{- end -}}
{{- if eq "closing" (include "imagegate.stage" .) -}}
{{- range append .Values.webhook.excludedNamespaces .Release.Namespace -}}
{{- $namespace := lookup "v1" "Namespace" "" . -}}
{{- if and $namespace (not (dig "metadata" "labels" "kubernetes.io/metadata.name" "" $namespace)) -}}
{{- fail (printf "namespace %s: this API server does not label it, so that a closed gate would stand in its own way; kubectl label namespace %s kubernetes.io/metadata.name=%s" . . .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.clientCA.pem .Values.clientCA.existingConfigMap -}}
{{- fail "clientCA: pem and existingConfigMap exclude one another" -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.service.enabled) -}}
{{- fail "metrics.serviceMonitor: there is nothing to monitor without metrics.service" -}}
{{- end -}}
{{- $names := list -}}
{{- range (include "imagegate.policy" . | fromJson).overrides -}}{{- $names = append $names .name -}}{{- end -}}
{{- $seen := list -}}
{{- range .Values.webhook.overrides -}}
{{- if has .name $seen -}}
{{- fail (printf "webhook.overrides: %q is there twice; put the label's values in one list" .name) -}}
{{- end -}}
{{- $seen = append $seen .name -}}
{{- if and (or $live (not $.Values.existingConfigMap)) (not (has .name $names)) -}}
{{- fail (printf "webhook.overrides: the policy has no override %q, so every Pod sent there would be refused; add it to the policy first" .name) -}}
{{- end -}}
{{- end -}}
{{- end }}
