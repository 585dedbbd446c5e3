#!/usr/bin/env bash
# Renews web/vendor: the script libraries of the web page, each with its licence beside it. They are committed, so that
# building needs no such package. marked and highlight.js are Debian 12's; highlight.js is joined from its core and the
# languages below. DOMPurify is the one in the Python package nicegui: Debian 12's (2.4.1+deb12u1) throws at every call.
# KaTeX, which draws formulas, is the one in the Python package djangocms-katex, checked against the digest that KaTeX
# publishes for its release; of its fonts only those in woff2, which every browser of the last ten years reads.
set -euo pipefail
cd "$(dirname "$0")/.."

languages='bash c-like cmake cpp cs css diff dockerfile go ini java javascript json kotlin lua makefile markdown
  objectivec perl php plaintext powershell python r ruby rust scala sql swift typescript xml yaml'
katex_0_16_40=KVukqdeLrVnRMhtuS+JxbqQzFmHDyzAWj//smK5ksfZKEPz0hSvLyYvAUE9yJuzF

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -q libjs-marked node-dompurify node-highlight.js fonts-katex && for deb in *.deb; do dpkg -x "$deb" .; done)
share=$work/usr/share
cp "$share/javascript/marked/marked.umd.min.js" web/vendor/marked.js
python3 -m pip download -q --no-deps --dest "$work" nicegui==3.18.0 djangocms-katex==1.0.2
python3 - "$work"/nicegui-*.whl <<'PYTHON' >web/vendor/purify.js
import sys, zipfile
sys.stdout.write(zipfile.ZipFile(sys.argv[1]).read("nicegui/static/dompurify.mjs").decode())
PYTHON
python3 - "$work"/djangocms_katex-*.whl "$katex_0_16_40" <<'PYTHON'
import base64, hashlib, re, sys, zipfile
from pathlib import Path

wheel, digest = zipfile.ZipFile(sys.argv[1]), sys.argv[2]
inside = "djangocms_katex/static/djangocms_katex/vendor/katex/"
katex = Path("web/vendor/katex")
script = wheel.read(inside + "katex.min.js")
if base64.b64encode(hashlib.sha384(script).digest()).decode() != digest:
    sys.exit("katex.min.js is not the one of KaTeX's release 0.16.40")
(katex / "fonts").mkdir(parents=True, exist_ok=True)
(katex / "katex.js").write_bytes(script)
style = wheel.read(inside + "katex.min.css").decode()
(katex / "katex.css").write_text(re.sub(r",url\([^)]*\.(woff|ttf)\) format\(\"[a-z]*\"\)", "", style) + "\n")
for name in wheel.namelist():
    if name.startswith(inside + "fonts/") and name.endswith(".woff2"):
        (katex / "fonts" / Path(name).name).write_bytes(wheel.read(name))
PYTHON
cp "$share/doc/libjs-marked/copyright" web/vendor/marked.licence.txt
cp "$share/doc/node-dompurify/copyright" web/vendor/purify.licence.txt
cp "$share/doc/node-highlight.js/copyright" web/vendor/highlight.licence.txt
cp "$share/doc/fonts-katex/copyright" web/vendor/katex/katex.licence.txt
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
ls -l web/vendor web/vendor/katex
