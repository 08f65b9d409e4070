# Five publications on the same people, and risk ratios on the small invented sample, a second time.
#
#   Rscript published_reference.R RAW_DIR DESIGN_INPUT_CSV OUT_DIR
#
# Writes real/published_R.csv (Gregg 2004, Ford & Mokdad 2003, Selvin & Erlinger 2004 from the raw .xpt files of
# 1999-2000 alone, Guallar 2006 and Mazidi 2017 of 1999-2002 and the counts of Mazidi of further cycles; study, item, estimate, std_error on the scale of the estimate, of ratios on the log scale) and
# risk/fits.csv (study_id, term, estimate, std_error: svyglm(family = quasipoisson)) to OUT_DIR.
# Made with R 4.2.2, survey 4.1.1, foreign 0.8.84.

suppressPackageStartupMessages(library(survey))
args <- commandArgs(TRUE)
raw <- args[1]; out <- args[3]
read <- function(table, ...) foreign::read.xport(file.path(raw, 1999, paste0(table, ".xpt")))[c("SEQN", ...)]
write <- function(frame, name) {
  numbers <- vapply(frame, is.numeric, TRUE)
  frame[numbers] <- lapply(frame[numbers], function(x) format(x, digits = 17, trim = TRUE))
  write.csv(frame, file.path(out, name), row.names = FALSE, quote = TRUE)
}

# ---- 1999-2000 -----------------------------------------------------------------------------------------------------
people <- Reduce(function(a, b) merge(a, b, by = "SEQN", all.x = TRUE), list(
  read("DEMO", "RIDAGEYR", "RIDSTATR", "RIAGENDR", "RIDRETH1", "WTMEC2YR", "SDMVSTRA", "SDMVPSU"),
  read("LEXPN", "LEALPN", "LEARPN", "LEALAMP", "LEARAMP"), read("LEXABPI", "LEXLABPI", "LEXRABPI"),
  read("DIQ", "DIQ010", "DIQ050", "DIQ070", "DIQ090"), read("DRXTOT", "DRXTMAGN"), read("SMQ", "SMQ020", "SMQ040"),
  read("BPQ", "BPQ020", "BPQ050A", "BPQ080"), read("BPX", "BPXSAR", "BPXDAR"), read("LAB13", "LBXTC"),
  read("LAB18", "LBXSCR")))
is <- function(x, codes) !is.na(x) & x %in% codes
left <- ifelse(is(people$LEALPN, -1), NA, people$LEALPN); right <- ifelse(is(people$LEARPN, -1), NA, people$LEARPN)
worst <- pmax(left, right, na.rm = TRUE)
lower <- pmin(people$LEXLABPI, people$LEXRABPI, na.rm = TRUE)
people <- transform(people,
  adult = RIDAGEYR >= 40 & RIDSTATR == 2, told = ifelse(is(DIQ010, 1), 1, ifelse(is(DIQ010, 2:3), 0, NA)),
  pn = as.numeric(worst >= 1), pad = as.numeric(lower < 0.9))
people <- transform(people,
  led = ifelse(is.na(pn) | is.na(pad), NA, as.numeric(pn == 1 | pad == 1 | is(DIQ090, 1) | is(LEALAMP, 2:6) | is(LEARAMP, 2:6))),
  smoking = factor(ifelse(is(SMQ020, 2), "never", ifelse(is(SMQ020, 1) & is(SMQ040, 3), "former",
                   ifelse(is(SMQ020, 1) & is(SMQ040, 1:2), "current", NA))), c("never", "former", "current")),
  pressed = is(BPQ020, 1) | is(BPQ050A, 1) | (!is.na(BPXSAR) & BPXSAR >= 140) | (!is.na(BPXDAR) & BPXDAR >= 90),
  high = as.numeric((!is.na(LBXTC) & LBXTC >= 240) | is(BPQ080, 1)),
  race = relevel(factor(RIDRETH1), "3"))
people$hypertension <- ifelse(people$pressed, 1, ifelse(is(people$BPQ020, 2), 0, NA))
people$seen <- with(people, adult & !is.na(pad) & !is.na(told) & !is.na(smoking) & !is.na(hypertension) & !is.na(LBXTC) & !is.na(LBXSCR))
people$weight <- ifelse(is.na(people$WTMEC2YR), 0, people$WTMEC2YR)
design <- svydesign(ids = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~weight, nest = TRUE, data = people)

rows <- list()
keep <- function(study, item, estimate, std_error = NA) {
  rows[[length(rows) + 1]] <<- data.frame(study, item, estimate = as.numeric(estimate), std_error = as.numeric(std_error))
}
share <- function(study, item, variable, chosen) {
  found <- svymean(as.formula(paste0("~I(100 * ", variable, ")")), subset(design, chosen & weight > 0 & !is.na(get(variable))))
  keep(study, item, coef(found), SE(found))
}
for (part in c("", ", told of diabetes")) {
  chosen <- people$adult & (part == "" | is(people$told, 1))
  for (item in list(c("PAD", "pad"), c("PN", "pn"), c("any LED", "led"))) {
    share("Gregg 2004", paste0(item[1], part, ", %"), item[2], chosen)
  }
}
ford <- list("White" = 3, "Black" = 4, "Mexican American" = 1)
for (sex in 1:2) for (group in names(ford)) {
  one <- subset(design, RIDAGEYR >= 20 & !is.na(DRXTMAGN) & weight > 0 & RIDRETH1 == ford[[group]] & RIAGENDR == sex)
  who <- paste(group, c("men", "women")[sex])
  found <- svymean(~DRXTMAGN, one)
  keep("Ford & Mokdad 2003", paste0("magnesium mean, ", who, ", mg"), coef(found), SE(found))
  keep("Ford & Mokdad 2003", paste0("magnesium median, ", who, ", mg"),
       svyquantile(~DRXTMAGN, one, 0.5, qrule = "math", ci = FALSE)[[1]][1])
}
share("Selvin & Erlinger 2004", "PAD, %", "pad", people$seen)
share("Selvin & Erlinger 2004", "PAD aged 70+, %", "pad", people$seen & people$RIDAGEYR >= 70)
tight <- glm.control(epsilon = 1e-13, maxit = 50)
odds <- function(item, formula, term) {
  fit <- svyglm(formula, subset(design, seen), family = quasibinomial, control = tight)
  keep("Selvin & Erlinger 2004", item, exp(coef(fit)[[term]]), sqrt(diag(vcov(fit)))[[term]])
}
odds("Black v White, OR", pad ~ RIDAGEYR + RIAGENDR + race, "race4")
odds("current v never smokers, OR", pad ~ RIDAGEYR + RIAGENDR + smoking, "smokingcurrent")
odds("hypertension, OR", pad ~ RIDAGEYR + RIAGENDR + hypertension, "hypertension")
odds("hypercholesterolaemia, OR", pad ~ RIDAGEYR + RIAGENDR + high, "high")

# ---- 1999-2002: homocysteine, lead, cadmium and arterial disease; numbers of people with arterial disease -------------
first <- function(begin, names) {
  of <- function(table, ...) {
    taken <- c(SEQN = "SEQN", ...)
    setNames(foreign::read.xport(file.path(raw, begin, paste0(table, ".xpt")))[taken], names(taken))
  }
  same <- function(...) setNames(c(...), c(...))
  parts <- list(
    of(names[["demo"]], same("RIDAGEYR", "RIDSTATR", "RIAGENDR", "RIDRETH1", "DMDEDUC2", "SDMVSTRA", "SDMVPSU"),
       if (begin < 2003) same("WTMEC4YR")),
    of(names[["abi"]], same("LEXLABPI", "LEXRABPI")),
    of(names[["recall"]], c(status = c("DRDDRSTS", "DRDDRSTZ", "DR1DRSTZ")[match(begin, c(1999, 2001, 2003))])))
  if (begin < 2003) parts <- c(parts, list(
    of(names[["blood"]], c(hcy = if (begin == 1999) "LBXHCY" else "LBDHCY", lead = "LBXBPB", cadmium = "LBXBCD")),
    of(names[["smoking"]], same("SMQ020", "SMQ040")),
    of(names[["creatinine"]], c(creatinine = if (begin == 1999) "LBXSCR" else "LBDSCR"))))
  joined <- Reduce(function(a, b) merge(a, b, by = "SEQN", all.x = TRUE), parts)
  joined$cycle <- begin
  joined
}
cycles <- list(
  first(1999, list(demo = "DEMO", abi = "LEXABPI", recall = "DRXTOT", blood = "LAB06", smoking = "SMQ", creatinine = "LAB18")),
  first(2001, list(demo = "DEMO_B", abi = "LEXAB_B", recall = "DRXTOT_B", blood = "L06_B", smoking = "SMQ_B", creatinine = "L40_B")),
  first(2003, list(demo = "DEMO_C", abi = "LEXAB_C", recall = "DR1TOT_C")))
shared <- names(cycles[[3]])
everybody <- do.call(rbind, lapply(cycles, function(cycle) cycle[shared]))
everybody <- subset(transform(everybody, lower = pmin(LEXLABPI, LEXRABPI, na.rm = TRUE), higher = pmax(LEXLABPI, LEXRABPI, na.rm = TRUE)),
                    RIDAGEYR >= 40 & RIDSTATR == 2 & !is.na(lower))
early <- subset(everybody, cycle < 2003)
mazidi <- function(item, number) keep("Mazidi 2017", item, number)
mazidi("people", nrow(early)); mazidi("PAD cases", sum(early$lower < 0.9))
mazidi("people, reliable recall", sum(is(early$status, 1)))
mazidi("PAD cases, reliable recall", sum(early$lower < 0.9 & is(early$status, 1)))
mazidi("people, index up to 1.4", sum(early$higher <= 1.4))
mazidi("PAD cases, index up to 1.4", sum(early$lower < 0.9 & early$higher <= 1.4))
for (limit in c("1.4", "1.3")) {
  mazidi(paste("PAD cases, index below 0.9 or above", limit), sum(early$lower < 0.9 | early$higher > as.numeric(limit)))
}
pooled <- list("1999-2000" = 1999, "2001-2002" = 2001, "2003-2004" = 2003, "2001-2004" = c(2001, 2003), "1999-2004" = c(1999, 2001, 2003))
for (years in names(pooled)) {
  mazidi(paste("PAD cases,", years), sum(everybody$lower < 0.9 & everybody$cycle %in% pooled[[years]]))
}

blood <- rbind(cycles[[1]], cycles[[2]])
blood <- transform(blood,
  pad = as.numeric(pmin(LEXLABPI, LEXRABPI, na.rm = TRUE) < 0.9), race = relevel(factor(RIDRETH1), "3"),
  school = factor(ifelse(is(DMDEDUC2, 1:2), 1, ifelse(is(DMDEDUC2, 3), 2, ifelse(is(DMDEDUC2, 4:5), 3, NA)))),
  smoking = factor(ifelse(is(SMQ020, 2), "never", ifelse(is(SMQ020, 1) & is(SMQ040, 3), "former",
                   ifelse(is(SMQ020, 1) & is(SMQ040, 1:2), "current", NA))), c("never", "former", "current")),
  creatinine = ifelse(cycle == 1999, 1.013 * creatinine + 0.147, creatinine))
blood$gfr <- with(blood, 175 * creatinine^-1.154 * RIDAGEYR^-0.203 * ifelse(RIAGENDR == 2, 0.742, 1) * ifelse(RIDRETH1 == 4, 1.212, 1))
blood$seen <- with(blood, RIDAGEYR >= 40 & RIDSTATR == 2 & !is.na(pad) & !is.na(hcy) & !is.na(lead) & !is.na(cadmium))
blood$weight <- ifelse(is.na(blood$WTMEC4YR), 0, blood$WTMEC4YR)
parted <- function(weighted) {
  x <- blood$hcy[blood$seen]; w <- if (weighted) blood$weight[blood$seen] else rep(1, sum(blood$seen))
  cuts <- if (!weighted) quantile(x, 1:4 / 5) else {
    o <- order(x); reached <- cumsum(w[o]) / sum(w)
    vapply(1:4 / 5, function(p) x[o][which(reached >= p)[1]], 0)
  }
  factor(1 + findInterval(blood$hcy, cuts, left.open = TRUE))
}
blood$fifth <- parted(TRUE); blood$plain <- parted(FALSE)
twice <- svydesign(ids = ~SDMVPSU, strata = ~SDMVSTRA, weights = ~weight, nest = TRUE, data = blood)
guallar <- function(what, formula, term = "fifth5") {
  fit <- svyglm(formula, subset(twice, seen), family = quasibinomial, control = tight)
  keep("Guallar 2006", paste0("homocysteine, ", what, ", OR"), exp(coef(fit)[[term]]), sqrt(diag(vcov(fit)))[[term]])
}
keep("Guallar 2006", "people", sum(blood$seen))
keep("Guallar 2006", "people with every covariate", sum(blood$seen & !is.na(blood$school) & !is.na(blood$smoking) & !is.na(blood$gfr)))
guallar("quintile 5 v 1", pad ~ fifth + RIDAGEYR + RIAGENDR + race + school)
guallar("with lead and cadmium", pad ~ fifth + RIDAGEYR + RIAGENDR + race + school + log(lead) + log(cadmium))
guallar("with kidney and smoking", pad ~ fifth + RIDAGEYR + RIAGENDR + race + school + log(lead) + log(cadmium) + gfr + smoking)
guallar("without education", pad ~ fifth + RIDAGEYR + RIAGENDR + race)
guallar("lead and cadmium as lines", pad ~ fifth + RIDAGEYR + RIAGENDR + race + school + lead + cadmium)
guallar("with MDRD below 60", pad ~ fifth + RIDAGEYR + RIAGENDR + race + school + log(lead) + log(cadmium) + I(gfr < 60) + smoking)
guallar("unweighted quintiles",
        pad ~ plain + RIDAGEYR + RIAGENDR + race + school + log(lead) + log(cadmium) + gfr + smoking, "plain5")
write(do.call(rbind, rows), "real/published_R.csv")

# ---- risk ratios on the invented sample ----------------------------------------------------------------------------
invented <- read.csv(args[2])
invented$some <- 1
risks <- lapply(c(full = "some", part = "in_part", part_less_stratum = "in_part_less_stratum"), function(flag) {
  whole <- svydesign(ids = ~psu, strata = ~strata, weights = ~w, nest = TRUE, data = invented)
  fit <- svyglm(y ~ I(x / 100) + z, subset(whole, get(flag) == 1), family = quasipoisson, control = tight)
  data.frame(term = c("intercept", "x", "z"), estimate = coef(fit), std_error = sqrt(diag(vcov(fit))))
})
dir.create(file.path(out, "risk"), showWarnings = FALSE)
write(do.call(rbind, Map(cbind, study_id = names(risks), risks)), "risk/fits.csv")
