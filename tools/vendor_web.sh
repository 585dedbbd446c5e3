#!/usr/bin/env bash
# Renews web/vendor: the script libraries of the web page, each with its licence beside it. They are committed, so that
# building needs no such package. marked and highlight.js are Debian 12's; highlight.js is joined from its core and the
# languages below. DOMPurify is the one in the Python package nicegui: Debian 12's (2.4.1+deb12u1) throws at every call.
set -euo pipefail
cd "$(dirname "$0")/.."

languages='bash c-like cmake cpp cs css diff dockerfile go ini java javascript json kotlin lua makefile markdown
  objectivec perl php plaintext powershell python r ruby rust scala sql swift typescript xml yaml'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -q libjs-marked node-dompurify node-highlight.js && for deb in *.deb; do dpkg -x "$deb" .; done)
share=$work/usr/share
cp "$share/javascript/marked/marked.umd.min.js" web/vendor/marked.js
python3 -m pip download -q --no-deps --dest "$work" nicegui==3.18.0
python3 - "$work"/nicegui-*.whl <<'PYTHON' >web/vendor/purify.js
import sys, zipfile
sys.stdout.write(zipfile.ZipFile(sys.argv[1]).read("nicegui/static/dompurify.mjs").decode())
PYTHON
cp "$share/doc/libjs-marked/copyright" web/vendor/marked.licence.txt
cp "$share/doc/node-dompurify/copyright" web/vendor/purify.licence.txt
cp "$share/doc/node-highlight.js/copyright" web/vendor/highlight.licence.txt
{
  sed "/^module.exports = Highlight;/d" "$share/nodejs/highlight.js/lib/highlight.js"
  for language in $languages; do
    file=$share/nodejs/highlight.js/lib/languages/$language.js
    [ -e "$file" ] || continue
    printf "\nhljs.registerLanguage('%s', (function () {\nvar module = {};\n" "$language"
    cat "$file"
    printf "\nreturn module.exports;\n})());\n"
  done
} >web/vendor/highlight.js
ls -l web/vendor
