#!/bin/sh
# Makes the namespace and what trades are filtered by; both may exist already.
set -eu

until temporal operator cluster health | grep -q SERVING; do sleep 1; done

temporal operator namespace describe -n "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create -n "$TEMPORAL_NAMESPACE" --retention 720h

for name in AccountId Platform Symbol Side TradeState Attention; do
  temporal operator search-attribute create -n "$TEMPORAL_NAMESPACE" --name "$name" --type Keyword
done
temporal operator search-attribute create -n "$TEMPORAL_NAMESPACE" --name OpenedAt --type Datetime
