# shellcheck shell=sh disable=SC2153
# Before our files are removed. The shipped ones must be back before ours go, and dpkg removes what lies at
# our paths. So the paths change hands first: the shipped file is renamed over ours, and for dpkg ours are
# from now on in another place, where it removes them.

give_back() {
    copy=$(copy_of "$1")
    leaving=$LEAVING/$(basename "$1")
    if ! is_diverted_to "$1" "$copy"; then return; fi
    if [ ! -f "$copy" ]; then
        # Nobody ships one: dpkg removes ours where it is.
        dpkg-divert --quiet --package "$PACKAGE" --no-rename --divert "$copy" --remove "$1"
        return
    fi
    mkdir -p "$LEAVING"
    # For postinst, should the removal be called off.
    if [ -f "$1" ]; then ln -f "$1" "$leaving" 2>/dev/null || copy_over "$1" "$leaving"; fi
    dpkg-divert --quiet --package "$PACKAGE" --no-rename --divert "$copy" --remove "$1"
    dpkg-divert --quiet --package resource-agents --no-rename --divert "$leaving" --add "$1"
    copy_over "$copy" "$1"
    rm -f "$copy"
}

case "$1" in
    remove)
        give_back "$AGENT"
        give_back "$MAN"
        ;;
esac
