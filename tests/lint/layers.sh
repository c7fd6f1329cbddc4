# base < formats < engine < tools; tools never include each other; of OpenBLAS
# only engine/blas.c knows.
bad=$(grep -nE '#include "(formats|engine|audit|purify|report|fixtures)/' base/*.[ch]
      grep -nE '#include "(engine|audit|purify|report|fixtures)/' formats/*.[ch]
      grep -nE '#include "(audit|purify|report|fixtures)/' engine/*.[ch]
      grep -nE '#include "(purify|report|fixtures)/' audit/*.[ch]
      grep -nE '#include "(audit|report|fixtures)/' purify/*.[ch]
      grep -nE '#include "(engine|audit|purify|fixtures)/' report/*.[ch]
      grep -nE '#include "(audit|purify|report)/' fixtures/*.[ch]
      grep -n 'cblas' base/*.[ch] formats/*.[ch] engine/*.[ch] audit/*.[ch] purify/*.[ch] | grep -v '^engine/blas\.c:') 
[ -z "$bad" ] || { echo "layering:"; echo "$bad"; exit 1; }
