// What scrolls by itself can be reached by keyboard.
document.querySelectorAll(".md-typeset__scrollwrap, .md-sidebar__scrollwrap, .language-text pre").forEach(one => { one.tabIndex = 0 })
