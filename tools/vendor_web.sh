#!/usr/bin/env bash
# Renews web/vendor: the script libraries of the web page, each with its licence beside it. They are committed, so that
# building needs no such package. marked is Debian 12's. DOMPurify is the one in the Python package nicegui: Debian 12's
# (2.4.1+deb12u1) throws at every call. highlight.js 11.9.0 is cut from reveal.js's plugin, which holds it with all of its
# languages, in the Python package sphinx-revealjs: its core and the languages below. Debian 12 has 9.18.5.
# KaTeX, which draws formulas, is the one in the Python package djangocms-katex, checked against the digest that KaTeX
# publishes for its release; of its fonts only those in woff2, which every browser of the last ten years reads.
set -euo pipefail
cd "$(dirname "$0")/.."

languages='bash c cmake cpp csharp css diff dockerfile go haskell ini java javascript json julia kotlin latex lua makefile
  markdown objectivec perl php plaintext powershell python r ruby rust scala shell sql swift typescript xml yaml'
katex_0_16_40=KVukqdeLrVnRMhtuS+JxbqQzFmHDyzAWj//smK5ksfZKEPz0hSvLyYvAUE9yJuzF

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -q libjs-marked node-dompurify node-highlight.js fonts-katex && for deb in *.deb; do dpkg -x "$deb" .; done)
share=$work/usr/share
cp "$share/javascript/marked/marked.umd.min.js" web/vendor/marked.js
python3 -m pip download -q --no-deps --dest "$work" nicegui==3.18.0 djangocms-katex==1.0.2 sphinx-revealjs==3.2.1
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
python3 - "$work"/sphinx_revealjs-*.whl $languages <<'PYTHON' >web/vendor/highlight.js
import re, sys, zipfile

bundle = zipfile.ZipFile(sys.argv[1]).read("sphinx_revealjs/_static/revealjs/plugin/highlight/highlight.esm.js").decode()
version = re.search(r'versionString="([0-9.]+)"', bundle)[1]
# The core, then one registration after the other: hljs.registerLanguage("c",...),hljs.registerLanguage("cpp",...),...
hljs = re.search(r'(\w+)\.registerLanguage\("', bundle)[1]
core, *registrations = bundle.split(f'{hljs}.registerLanguage("')
by_name = {text.split('"', 1)[0]: text.rstrip(",") for text in registrations[:-1]}  # the plugin follows the last one
print(f"/*! Highlight.js v{version} | (c) 2006-2023 Josh Goebel and other contributors | License: BSD-3-Clause */")
print('"use strict";\nwindow.hljs = (() => {\n' + core)
for language in sys.argv[2:]:
    print(f'{hljs}.registerLanguage("{by_name[language]};')
print(f"return {hljs};\n}})();")
PYTHON
ls -l web/vendor web/vendor/katex
