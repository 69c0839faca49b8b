#pragma once

#include <string_view>

namespace upkeep::web {

/// The status page's style sheet: light and dark by the reader's setting; on a phone each table row
/// becomes a card whose cells name themselves.
inline constexpr std::string_view kPageStyle = R"css(
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#5a646e;--line:#d5dae0;--soft:#f3f5f7;
--good:#0a6b33;--bad:#b3150f;--warn:#8a5300;--warnbg:#fff1d6}
@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e6e9ec;--dim:#9aa5b0;--line:#333a42;
--soft:#1d2227;--good:#5fce8c;--bad:#ff8078;--warn:#f0b955;--warnbg:#3a2c10}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:75rem;padding:1rem;background:var(--bg);color:var(--fg);
font:1rem/1.45 system-ui,sans-serif}
header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:1.5rem 0 .4rem}
.dim{color:var(--dim)}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
.good,.bad,.warn{font-weight:600}
.banner{margin:.8rem 0;padding:.7rem 1rem;border-radius:.4rem;background:var(--warnbg);
border-left:.4rem solid var(--warn);font-size:1.1rem}
.banner strong{text-transform:uppercase;letter-spacing:.04em}
.banner.trouble{border-color:var(--bad)}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;
border-bottom:1px solid var(--line);overflow-wrap:anywhere}
th{color:var(--dim);font-weight:500;font-size:.9rem}
td.name{font-weight:600;white-space:nowrap}
code{background:var(--soft);padding:.05rem .3rem;border-radius:.2rem;overflow-wrap:anywhere}
footer{margin-top:1.5rem;color:var(--dim);display:flex;flex-wrap:wrap;gap:.25rem 1rem}
a{color:inherit}
@media(max-width:45rem){
table,tbody,tr,td{display:block}thead{display:none}
tr{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;padding:.3rem .6rem}
td{border:0;padding:.1rem 0}
td::before{content:attr(data-label) " ";color:var(--dim);font-weight:400}
td:empty{display:none}td.name{font-size:1.05rem;white-space:normal}td.name::before{content:none}
}
)css";

}  // namespace upkeep::web
