"""The looks of a report in HTML; every rule stays inside .skmtl-report."""

STYLE = """
.skmtl-report{color:#1b1f24;background:#fff;line-height:1.5;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
body.skmtl-report{margin:0}
.skmtl-report main,.skmtl-report footer{max-width:62rem;margin:0 auto;padding:0 1rem;
overflow-wrap:break-word}
.skmtl-report h1{font-size:1.8rem;line-height:1.2;margin:1.6rem 0 .6rem}
.skmtl-report h2{font-size:1.25rem;margin:2.2rem 0 .6rem;padding-bottom:.2rem;
border-bottom:2px solid #d0d7de}
.skmtl-report h3{font-size:1.05rem;margin:1.4rem 0 .2rem}
.skmtl-report small{color:#4b535c;font-size:.85em}
.skmtl-report .conclusions{padding-left:1.2rem}
.skmtl-report .conclusions li{margin:.5rem 0}
.skmtl-report .scroll{overflow-x:auto;max-width:100%}
.skmtl-report table{border-collapse:collapse;font-size:.92rem;
font-variant-numeric:tabular-nums;background:#fff;color:#1b1f24}
.skmtl-report th,.skmtl-report td{padding:.35rem .7rem;text-align:left;
vertical-align:top;border-bottom:1px solid #e1e5ea;background:#fff}
.skmtl-report td{white-space:nowrap}
.skmtl-report thead th{border-bottom:2px solid #8b949e;vertical-align:bottom}
.skmtl-report tbody th{font-weight:600;position:sticky;left:0;min-width:5rem;
max-width:14rem;overflow-wrap:break-word}
.skmtl-report .verdict{display:inline-block;padding:0 .45rem;border-radius:.35rem;
font-weight:600;white-space:nowrap}
.skmtl-report .helps{background:#d5efdc;color:#0b4a22}
.skmtl-report .hurts{background:#fbdcd5;color:#7d1a0a}
.skmtl-report .no-evidence{background:#eceff2;color:#3b434b;font-weight:400}
.skmtl-report .pictures{display:flex;flex-wrap:wrap;gap:1rem}
.skmtl-report figure{margin:.6rem 0;max-width:100%}
.skmtl-report figcaption{font-size:.88rem;color:#3b434b}
.skmtl-report .table figcaption{font-weight:600;font-size:.92rem;color:#1b1f24}
.skmtl-report img{max-width:100%;height:auto;display:block}
.skmtl-report details{margin:.6rem 0}
.skmtl-report summary{cursor:pointer;color:#0b4f8a}
.skmtl-report code{font-size:.85rem;overflow-wrap:anywhere;white-space:normal}
.skmtl-report dt{font-weight:600;margin-top:.6rem}
.skmtl-report dd{margin:0 0 0 1rem}
.skmtl-report footer{color:#4b535c;font-size:.85rem;margin-top:2rem}
@media print{.skmtl-report .scroll{overflow:visible}}
"""
